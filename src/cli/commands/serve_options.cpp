// SPDX-License-Identifier: MIT
#include "cli/commands/serve_options.hh"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/host_name.hpp>

#include <algorithm>
#include <random>

#include "cli/words/input.hh"
#include "core/file.hh"
#include "core/text/ascii.hh"
#include "core/text/hex.hh"
#include "core/text/number.hh"
#include "core/text/printable.hh"
#include "manager/servers/destination.hh"
#include "service/gate/host_policy.hh"
#include "service/server/peer_limit.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t max_servers_bytes = 1024 * 1024;
constexpr std::size_t max_name_bytes = 200;  // the store allows 256, including the part that makes the name unique

error bad(std::string fault) { return error(errc::bad_argument, std::move(fault)); }

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    if (comma > begin) out.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return out;
}

result<void> choose_listen_addresses(serve_options& out, const serve_words& words, const environment& env) {
  auto texts = words.listen;
  if (texts.empty()) texts = split_at_commas(env.variable("MCPSTATE_LISTEN").value_or(std::string()));
  if (texts.empty()) texts.emplace_back("127.0.0.1:7337");
  for (const auto& text : texts) {
    MCPSTATE_TRY(address, parse_listen(text));
    out.server.listen.push_back(std::move(address));
  }
  return {};
}

result<void> choose_access_keys(serve_options& out, const serve_words& words, const environment& env) {
  MCPSTATE_TRY(tokens, choose_tokens(words.token_file, env));
  out.token_path = std::move(tokens.path);
  out.process.keys = std::move(tokens.keys);
  if (!out.process.keys.empty()) return {};
  for (const auto& listened : out.server.listen) {
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(listened.host, ec);
    if (!ec && !address.is_loopback())
      return bad("--listen " + listened.host +
                 " needs a token: whoever reaches that address could do everything. Set "
                 "MCPSTATE_TOKEN or --token-file, or listen on 127.0.0.1");
  }
  return {};
}

result<void> choose_egress(serve_options& out, const serve_words& words) {
  for (const auto& allowed : words.egress) {
    if (allowed == "http") {
      out.manager.egress_for_urls.plain_http = true;
    } else if (const auto ok = out.manager.egress_for_urls.allow(allowed); !ok) {
      return bad("--allow-egress: " + ok.error().detail());
    }
  }
  return {};
}

// Hosts as browsers send them. Their ports are ignored.
result<void> choose_hosts(serve_options& out, const serve_words& words) {
  for (const auto& text : words.hosts) {
    auto host = service::host_without_port(text);
    if (!host) return bad("--allow-host '" + printable(text) + "' is not a host, such as mcp.example or [2001:db8::7]");
    out.server.allowed_hosts.push_back(std::move(*host));
  }
  return {};
}

// Whether a text is an Origin as browsers send it. Anything else would never match one.
bool is_origin(const std::string& text) {
  const auto mark = text.find("://");
  if (mark == std::string::npos || mark == 0) return false;
  const auto in_scheme = [](char c) {
    return (is_letter(c) && c == ascii_lower(c)) || is_digit(c) || c == '-' || c == '+' || c == '.';
  };
  const std::string scheme = text.substr(0, mark);
  return std::all_of(scheme.begin(), scheme.end(), in_scheme) &&
         service::host_without_port(text.substr(mark + 3)).has_value();
}

result<void> choose_origins(serve_options& out, const serve_words& words) {
  for (const auto& text : words.origins) {
    if (!is_origin(text))
      return bad("--allow-origin '" + printable(text) +
                 "' is not an origin, such as https://app.example (no path, no slash at its end)");
    out.server.allowed_origins.push_back(text);
  }
  return {};
}

result<void> choose_proxies(serve_options& out, const serve_words& words) {
  service::peer_limit tried(1, 1);
  for (const auto& text : words.proxies) {
    if (const auto ok = tried.exempt(text); !ok) return bad("--trusted-proxy: " + ok.error().detail());
    out.server.unlimited_peers.push_back(text);
  }
  return {};
}

service::log_level parse_level(const std::string& word) {
  constexpr const char* words[] = {"debug", "info", "warn", "error", "off"};  // in the order of log_level
  const auto found = std::find(std::begin(words), std::end(words), word);
  return found == std::end(words) ? service::log_level::info : static_cast<service::log_level>(found - std::begin(words));
}

// Makes the name of the instance unique. Leases are held under this name, and two processes with the same --name must not
// take each other's leases for their own.
std::string unique_name(const std::string& name) {
  if (name.empty()) return name;  // the manager makes one
  const auto suffix = std::random_device()();
  std::string out = name + "-";
  for (unsigned shift = 32; shift > 0; shift -= 8) append_hex(out, static_cast<unsigned char>(suffix >> (shift - 8) & 0xff));
  return out;
}

// The URL at which other instances find this one's API. Empty when the port is not known yet. A service that listens on all
// addresses is found under the name of the machine.
std::string advertised_url(const service::listen_address& listened) {
  if (listened.port == 0) return {};
  std::string host = listened.host;
  if (host == "0.0.0.0" || host == "::") {
    boost::system::error_code ec;
    host = boost::asio::ip::host_name(ec);
    if (ec) return {};
  }
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(listened.port);
}

}  // namespace

std::string flag_or_variable(const std::string& flag, const char* variable, const environment& env) {
  return flag.empty() ? env.variable(variable).value_or(std::string()) : flag;
}

result<service::listen_address> parse_listen(const std::string& text) {
  const auto wrong = [&text] { return bad("--listen '" + printable(text) + "' is not HOST:PORT, such as 127.0.0.1:7337"); };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  service::listen_address out;
  const std::string host = text.substr(0, colon);
  const auto port = parse_number<std::uint16_t>(std::string_view(text).substr(colon + 1));
  if (!port) return wrong();
  out.port = *port;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find(':') != std::string::npos) return wrong();
  if (!host.empty()) out.host = bracketed ? host.substr(1, host.size() - 2) : host;
  return out;
}

result<token_choice> choose_tokens(const std::string& file, const environment& env) {
  token_choice out;
  const auto token = env.variable("MCPSTATE_TOKEN").value_or(std::string());
  if (file.empty() && !token.empty()) {
    auto keys = service::access_keys::parse(token);
    if (!keys) return bad("MCPSTATE_TOKEN: " + keys.error().detail());
    out.keys = std::move(*keys);
    return out;
  }
  out.path = flag_or_variable(file, "MCPSTATE_TOKEN_FILE", env);
  if (out.path.empty()) return out;
  MCPSTATE_TRY(keys, service::read_access_keys(out.path));
  out.keys = std::move(keys);
  return out;
}

result<std::shared_ptr<const server_registry>> read_servers(const std::string& path, const environment& env) {
  const auto file = read_regular_file(path, max_servers_bytes);
  if (file.what == file_content::outcome::too_large)
    return bad("the servers file " + printable(path) + " is larger than 1 MiB");
  if (!file.ok()) return bad("the servers file " + printable(path) + " cannot be read: " + file.reason);
  auto parsed = server_registry::parse(file.bytes, env.variable);
  if (!parsed) return bad("the servers file " + printable(path) + ": " + parsed.error().detail());
  return std::make_shared<const server_registry>(std::move(*parsed));
}

std::string shared_programs_text(const server_registry& servers) {
  std::string names;
  for (const auto& [name, one] : servers.all()) {
    if (is_shared_program(one)) names += (names.empty() ? "" : ", ") + name;
  }
  if (names.empty()) return {};
  return "command, env and cwd are the same for all owners, so that they share what the program stores: " + names;
}

result<serve_options> choose_serve_options(const serve_words& words, const environment& env) {
  using namespace std::chrono_literals;
  serve_options out;
  MCPSTATE_CHECK(choose_listen_addresses(out, words, env));
  MCPSTATE_CHECK(choose_access_keys(out, words, env));
  MCPSTATE_CHECK(choose_egress(out, words));
  MCPSTATE_CHECK(read_duration(out.manager.lease_time, words.lease, "--lease", 1s));
  MCPSTATE_CHECK(read_duration(out.manager.check_every, words.check, "--check", 100ms));
  out.servers_path = flag_or_variable(words.servers_file, "MCPSTATE_SERVERS", env);
  if (!out.servers_path.empty()) {
    MCPSTATE_TRY(servers, read_servers(out.servers_path, env));
    out.process.servers = servers;
    out.manager.servers = std::move(servers);
  }
  MCPSTATE_CHECK(choose_hosts(out, words));
  MCPSTATE_CHECK(choose_origins(out, words));
  MCPSTATE_CHECK(choose_proxies(out, words));
  if (words.name.size() > max_name_bytes) return bad("--name is longer than " + std::to_string(max_name_bytes) + " bytes");
  out.manager.instance = unique_name(words.name);
  out.manager.address = advertised_url(out.server.listen.front());
  if (words.on_data_loss == "restore") out.manager.on_data_loss = loss_rule::restore;
  if (words.on_data_loss == "forget") out.manager.on_data_loss = loss_rule::forget;
  out.style = words.log == "json" ? service::log_style::json : service::log_style::text;
  out.level = parse_level(words.log_level);
  return out;
}

}  // namespace mcpstate::cli
