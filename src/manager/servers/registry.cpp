// SPDX-License-Identifier: MIT
#include <mcpstate/manager/registry.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "core/json/depth.hh"
#include "core/text/ascii.hh"
#include "core/text/quoted.hh"
#include "core/text/secrets.hh"
#include "core/variables.hh"
#include "manager/servers/target_secrets.hh"

namespace mcpstate {

namespace {

namespace json = boost::json;
using variable_lookup = server_registry::variable_lookup;

constexpr std::size_t largest_file = 4u * 1024 * 1024;

std::string text_of(const json::string& s) { return std::string(s.data(), s.size()); }
std::string text_of(json::string_view s) { return std::string(s.data(), s.size()); }

// Whether a member of this name, being true, switches a server on or off; absent: it does neither.
std::optional<bool> switch_meaning(std::string_view member) {
  std::string word;
  for (const char c : member) {
    if (c != '_' && c != '-') word += ascii_lower(c);
  }
  if (word.starts_with("is")) word.erase(0, 2);
  if (word == "enabled" || word == "enable" || word == "active") return true;
  if (word == "disabled" || word == "disable" || word == "inactive") return false;
  return std::nullopt;
}

// Reads one entry of mcpServers. Errors name the server and the member, and show no value: it may be a secret.
class entry_reader {
 public:
  entry_reader(std::string name, const variable_lookup& variable, std::vector<std::string>& remarks)
      : name_(std::move(name)), variable_(variable), remarks_(remarks) {}

  // A wrong entry has a fault; it may be switched off all the same.
  registered_server read(const json::value& entry);

 private:
  [[nodiscard]] error wrong(const std::string& member, const std::string& cause) const {
    return error(errc::bad_argument, "server " + mcpstate::quoted(name_) + ", " + mcpstate::quoted(member) + ": " + cause);
  }
  result<registered_server> read_members();
  [[nodiscard]] result<void> check_members() const;
  result<void> read_target(registered_server& out);
  result<void> read_own_variables();
  result<bool> switched_off() const;
  void note_unknown_members() const;
  [[nodiscard]] std::optional<std::string> value_of(const std::string& variable) const;
  result<std::string> expand(const std::string& member, const std::string& text) const;
  result<std::string> text(const std::string& member, const json::value& v) const;
  result<std::vector<std::pair<std::string, std::string>>> pairs(const std::string& member) const;
  result<std::string> optional_text(const std::string& member) const;
  result<mcp::stdio_target> program() const;
  result<mcp::http_target> address() const;
  result<void> note_transport(registered_server& out) const;
  result<void> note_choices(registered_server& out) const;
  result<void> note_startup_timeout(registered_server& out) const;
  [[nodiscard]] const json::value* find(const std::string& member) const { return entry_->if_contains(member); }

  std::string name_;
  const variable_lookup& variable_;
  std::vector<std::string>& remarks_;
  const json::object* entry_ = nullptr;
  std::vector<std::pair<std::string, std::string>> env_;  // of the entry
  mutable std::vector<std::string> expanded_;             // what ${…} stood for
};

// The entry's own env goes first, as it does in the program.
std::optional<std::string> entry_reader::value_of(const std::string& variable) const {
  const auto own = std::find_if(env_.begin(), env_.end(), [&variable](const auto& pair) { return pair.first == variable; });
  if (own != env_.end()) return own->second;
  return variable_ ? variable_(variable) : std::nullopt;
}

// What a command and its folder are is no secret.
result<std::string> entry_reader::expand(const std::string& member, const std::string& text) const {
  const bool hidden = member != "command" && member != "cwd";
  auto out = expand_variables(
      text, [this](const std::string& variable) { return value_of(variable); },
      [this, hidden](const std::string& value) {
        if (hidden) expanded_.push_back(value);
      });
  if (!out) return wrong(member, out.error().detail());
  if (out->find('\0') != std::string::npos) return wrong(member, "it holds a zero byte");
  return out;
}

result<std::string> entry_reader::text(const std::string& member, const json::value& v) const {
  if (!v.is_string()) return wrong(member, "it is no string");
  return expand(member, text_of(v.get_string()));
}

result<std::string> entry_reader::optional_text(const std::string& member) const {
  const json::value* v = find(member);
  return v == nullptr ? result<std::string>(std::string()) : text(member, *v);
}

result<std::vector<std::pair<std::string, std::string>>> entry_reader::pairs(const std::string& member) const {
  std::vector<std::pair<std::string, std::string>> out;
  const json::value* v = find(member);
  if (v == nullptr) return out;
  if (!v->is_object()) return wrong(member, "it is no object of strings");
  for (const auto& entry : v->get_object()) {
    const std::string key = text_of(entry.key());
    MCPSTATE_TRY(value, text(member + "." + key, entry.value()));
    out.emplace_back(key, std::move(value));
  }
  return out;
}

result<mcp::stdio_target> entry_reader::program() const {
  mcp::stdio_target out;
  MCPSTATE_TRY(command, text("command", *find("command")));
  if (command.empty()) return wrong("command", "it is empty");
  out.command.push_back(std::move(command));
  if (const json::value* arguments = find("args")) {
    if (!arguments->is_array()) return wrong("args", "it is no array of strings");
    for (const auto& value : arguments->get_array()) {
      MCPSTATE_TRY(argument, text("args", value));
      out.command.push_back(std::move(argument));
    }
  }
  out.env = env_;
  MCPSTATE_TRY(cwd, optional_text("cwd"));
  out.cwd = std::move(cwd);
  return out;
}

result<mcp::http_target> entry_reader::address() const {
  mcp::http_target out;
  MCPSTATE_TRY(url, text("url", *find("url")));
  if (const auto sound = mcp::shown_url(url); !sound) return wrong("url", "it is no http or https URL without user-info");
  out.url = std::move(url);
  MCPSTATE_TRY(headers, pairs("headers"));
  out.headers = std::move(headers);
  return out;
}

// Checks that the transport that the file names fits: a command is reached over stdio, a URL is not.
result<void> entry_reader::note_transport(registered_server& out) const {
  const bool is_program = std::holds_alternative<mcp::stdio_target>(out.target);
  out.transport = is_program ? "stdio" : "http";
  for (const std::string member : {"type", "transport"}) {
    MCPSTATE_TRY(said, optional_text(member));
    if (said.empty()) continue;
    const bool known = said == "stdio" || said == "http" || said == "streamable-http" || said == "sse";
    if (!known) return wrong(member, "it is none of stdio, http, streamable-http, sse");
    if ((said == "stdio") != is_program) {
      return wrong(member, is_program ? "a command is reached over stdio" : "a URL is not reached over stdio");
    }
    if (said == "sse") {
      out.transport = "sse";
      out.protocol = mcp::era_choice::sse;
    }
  }
  return result<void>();
}

result<void> entry_reader::note_choices(registered_server& out) const {
  MCPSTATE_TRY(protocol, optional_text("protocol"));
  if (!protocol.empty()) {
    const auto choice = mcp::parse_era_choice(protocol);
    if (!choice) return wrong("protocol", "it is none of auto, modern, legacy, sse");
    if (*choice == mcp::era_choice::sse && out.transport == "stdio") return wrong("protocol", "sse needs a URL");
    if (out.transport == "sse" && *choice != mcp::era_choice::sse && *choice != mcp::era_choice::automatic)
      return wrong("protocol", "it contradicts the transport");
    if (out.transport != "sse") out.protocol = *choice;
    if (*choice == mcp::era_choice::sse) out.transport = "sse";
  }
  return result<void>();
}

// `timeout` has no unit that all hosts share. Nobody means 1,000 seconds by it, nor a part of a second.
result<void> entry_reader::note_startup_timeout(registered_server& out) const {
  for (const std::string member : {"timeout", "startup_timeout_sec"}) {
    const json::value* v = find(member);
    if (v == nullptr || v->is_null()) continue;
    if (!std::holds_alternative<mcp::stdio_target>(out.target)) {
      if (member == "timeout") continue;  // hosts write it beside a URL, too, where it means something else
      return wrong(member, "it is for a command, not for a URL");
    }
    boost::system::error_code ec;
    const double number = v->is_number() ? v->to_number<double>(ec) : 0;
    const double seconds = member == "timeout" && number >= 1000 ? number / 1000 : number;
    if (ec || !(seconds >= 1 && seconds <= 3600)) return wrong(member, "it is no number of seconds from 1 to 3600");
    out.startup_timeout = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  }
  return result<void>();
}

// Its values stand for variables of the environment, not for one another.
result<void> entry_reader::read_own_variables() {
  auto env = pairs("env");
  if (!env) return env.error();
  for (const auto& [key, value] : *env) {
    if (key.empty() || key.find('=') != std::string::npos) return wrong("env", "a variable has an impossible name");
  }
  env_ = std::move(*env);
  return result<void>();
}

// Hosts spell it in several ways. What is passed over here would run a command that somebody has switched off.
result<bool> entry_reader::switched_off() const {
  bool off = false;
  for (const auto& entry_member : *entry_) {
    const std::string member = text_of(entry_member.key());
    const auto meaning = switch_meaning(member);
    if (!meaning) continue;
    if (!entry_member.value().is_bool()) return wrong(member, "it is neither true nor false");
    off = off || entry_member.value().get_bool() != *meaning;
  }
  return off;
}

void entry_reader::note_unknown_members() const {
  constexpr std::array<std::string_view, 11> known = {
      "command", "args", "env", "url", "headers", "startup_timeout_sec", "type", "transport", "cwd", "protocol", "timeout"};
  for (const auto& entry_member : *entry_) {
    const std::string member = text_of(entry_member.key());
    const bool of_program = member == "timeout" && find("command") == nullptr;
    const bool is_known = std::find(known.begin(), known.end(), member) != known.end() && !of_program;
    if (!is_known && !switch_meaning(member))
      remarks_.push_back("server " + mcpstate::quoted(name_) + ": " + mcpstate::quoted(member) +
                         " is not understood, and ignored");
  }
}

result<void> entry_reader::check_members() const {
  const bool is_program = find("command") != nullptr;
  if (is_program == (find("url") != nullptr)) {
    return wrong(is_program ? "url" : "command", is_program ? "there is a command, too: one of them" : "or url is missing");
  }
  for (const std::string member : {"args", "cwd"}) {
    if (!is_program && find(member) != nullptr) return wrong(member, "it is for a command, not for a URL");
  }
  if (is_program && find("headers") != nullptr) return wrong("headers", "they are for a URL, not for a command");
  return result<void>();
}

result<void> entry_reader::read_target(registered_server& out) {
  if (find("command") != nullptr) {
    MCPSTATE_TRY(target, program());
    out.shown = std::filesystem::path(target.command.front()).filename().string();
    out.target = std::move(target);
  } else {
    MCPSTATE_TRY(target, address());
    out.shown = mcp::shown_url(target.url).value();
    out.target = std::move(target);
  }
  return result<void>();
}

result<registered_server> entry_reader::read_members() {
  registered_server out;
  MCPSTATE_CHECK(check_members());
  MCPSTATE_CHECK(read_own_variables());
  MCPSTATE_CHECK(read_target(out));
  MCPSTATE_CHECK(note_transport(out));
  MCPSTATE_CHECK(note_choices(out));
  MCPSTATE_CHECK(note_startup_timeout(out));
  out.secrets = std::make_shared<const std::vector<std::string>>(secrets_of(out.target, std::move(expanded_), out.shown));
  return out;
}

registered_server entry_reader::read(const json::value& entry) {
  registered_server out;
  out.transport = "http";
  if (!entry.is_object()) {
    out.fault = "server " + mcpstate::quoted(name_) + " is no JSON object";
    return out;
  }
  entry_ = &entry.get_object();
  const auto off = switched_off();
  auto read = off ? read_members() : result<registered_server>(off.error());
  if (read) {
    out = std::move(*read);
  } else {
    out.fault = read.error().detail();
    if (find("command") != nullptr) out.transport = "stdio";
  }
  out.disabled = off && *off;
  note_unknown_members();
  return out;
}

error bad_file(std::string cause) { return error(errc::bad_argument, std::move(cause)); }

}  // namespace

result<server_registry> server_registry::parse(std::string_view text, const variable_lookup& variable) {
  if (text.size() > largest_file) return bad_file("the file of servers is over 4 MB");
  boost::system::error_code ec;
  json::parse_options strict;
  strict.max_depth = json_depth_of_servers_file;
  const json::value root = json::parse(json::string_view(text.data(), text.size()), ec, {}, strict);
  if (ec) return bad_file("the file of servers is no JSON: " + ec.message());
  if (!root.is_object()) return bad_file("the file of servers is no JSON object");
  const json::value* servers = root.get_object().if_contains("mcpServers");
  if (servers == nullptr) return bad_file("the file of servers has no member 'mcpServers'");
  if (!servers->is_object()) return bad_file("'mcpServers' is no JSON object");
  server_registry out;
  for (const auto& member : root.get_object()) {
    if (member.key() != "mcpServers")
      out.remarks_.push_back(mcpstate::quoted(text_of(member.key())) + " is not understood, and ignored");
  }
  std::string first_fault;
  bool usable = servers->get_object().empty();
  for (const auto& server : servers->get_object()) {
    const std::string name = text_of(server.key());
    if (const auto sound = server_name::parse(name); !sound) {
      out.remarks_.push_back("the name " + mcpstate::quoted(name) + ": " + sound.error().detail());
      if (first_fault.empty()) first_fault = out.remarks_.back();
      continue;
    }
    auto read = entry_reader(name, variable, out.remarks_).read(server.value());
    if (first_fault.empty()) first_fault = read.fault;
    usable = usable || read.fault.empty();
    out.servers_.emplace(name, std::move(read));
  }
  if (!usable) return bad_file(first_fault);
  return out;
}

const registered_server* server_registry::find(const std::string& name) const {
  const auto found = servers_.find(name);
  return found == servers_.end() ? nullptr : &found->second;
}

}  // namespace mcpstate
