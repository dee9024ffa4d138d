// SPDX-License-Identifier: MIT
#include "manager/servers/target_secrets.hh"

#include <algorithm>
#include <utility>

#include "core/text/ascii.hh"
#include "core/text/base64.hh"
#include "core/text/hidden_values.hh"
#include "core/text/secrets.hh"

namespace mcpstate {

namespace {

constexpr std::size_t shortest_secret = 6;  // bytes; hiding "true" or "info" would make texts unreadable
constexpr std::size_t shortest_named = 4;   // bytes, of a value whose name says that it is secret (token, password, …)
constexpr std::size_t longest_words = 8 * 1024;  // bytes of what a server said that anybody reads; it may have sent megabytes

// "user:password" of "Basic dXNlcjpwYXNzd29yZA=="; empty where there is none.
std::string basic_credentials(std::string_view header) {
  constexpr std::string_view scheme = "basic ";
  if (ascii_lower(header.substr(0, scheme.size())) != scheme) return {};
  std::string digits(header.substr(scheme.size()));
  std::replace(digits.begin(), digits.end(), '+', '-');
  std::replace(digits.begin(), digits.end(), '/', '_');
  digits.erase(digits.find_last_not_of("= ") + 1);
  return from_base64url(digits).value_or("");
}

class collector {
 public:
  explicit collector(const std::string& shown) : shown_(shown) {}

  // A value that everybody sees anyway is no secret.
  void add(std::string_view value, std::size_t shortest) {
    if (value.size() >= shortest && shown_.find(value) == std::string::npos) found_.emplace_back(value);
  }
  void add_named(std::string_view name, std::string_view value) {
    add(value, names_secret(name) ? shortest_named : shortest_secret);
  }
  // "a=1; b=2": each value on its own.
  void add_cookies(std::string_view cookies) {
    while (!cookies.empty()) {
      const auto end = cookies.find(';');
      const auto pair = cookies.substr(0, end);
      if (const auto equals = pair.find('='); equals != std::string_view::npos) add(pair.substr(equals + 1), shortest_secret);
      cookies.remove_prefix(end == std::string_view::npos ? cookies.size() : end + 1);
    }
  }
  // Each line on its own: a text of several lines is seldom printed as a whole.
  void add_lines(std::string_view name, std::string_view value) {
    for (auto rest = value; !rest.empty();) {
      const auto end = rest.find_first_of("\r\n");
      add_named(name, rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  std::vector<std::string> take() { return longest_first(std::move(found_)); }

 private:
  const std::string& shown_;
  std::vector<std::string> found_;
};

void collect(collector& out, const mcp::http_target& server) {
  for (const auto& [name, value] : server.headers) {
    out.add_named(name, value);
    // "Bearer s3cret"
    if (const auto blank = value.find(' '); blank != std::string::npos) out.add_named(name, value.substr(blank + 1));
    if (ascii_iequal(name, "cookie")) out.add_cookies(value);
    const std::string basic = basic_credentials(value);
    out.add_named(name, basic);
    if (const auto colon = basic.find(':'); colon != std::string::npos) out.add(basic.substr(colon + 1), shortest_named);
  }
  const auto query = server.url.find('?');
  std::string_view rest = std::string_view(server.url).substr(query == std::string::npos ? server.url.size() : query + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const auto pair = rest.substr(0, end);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos) out.add_named(pair.substr(0, equals), pair.substr(equals + 1));
    if (equals == std::string_view::npos) out.add(pair, shortest_secret);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

void collect(collector& out, const mcp::stdio_target& program) {
  for (const auto& [name, value] : program.env) out.add_lines(name, value);
  for (std::size_t i = 1; i < program.command.size(); ++i) {
    const std::string& word = program.command[i];
    const std::string& previous = program.command[i - 1];
    const auto equals = word.find('=');
    const bool is_value = i > 1 && previous.starts_with('-') && previous.find('=') == std::string::npos;
    if (is_value && names_secret(previous)) out.add_named(previous, word);
    if (equals != std::string::npos && names_secret(word.substr(0, equals)))
      out.add_named(word.substr(0, equals), word.substr(equals + 1));
  }
}

}  // namespace

std::vector<std::string> secrets_of(const mcp::target& target, std::vector<std::string> expanded, const std::string& shown) {
  collector out(shown);
  for (const std::string& value : expanded) out.add_lines({}, value);
  std::visit([&out](const auto& server) { collect(out, server); }, target);
  return out.take();
}

error without_secrets(const error& cause, const secret_list& secrets) {
  const auto cleaned = [&secrets](const std::string& text) {
    const std::string words = text.size() > longest_words ? text.substr(0, longest_words) + "…" : text;
    return without_secrets(secrets ? without_values(words, *secrets) : words);
  };
  return error(cause.code(), cleaned(cause.detail()), cleaned(cause.peer_text()));
}

mcp::server_facts without_secrets(mcp::server_facts facts, const secret_list& secrets) {
  if (!secrets) return facts;
  for (std::string* text : {&facts.title, &facts.version}) *text = without_values(std::move(*text), *secrets);
  if (without_values(facts.capabilities, *secrets) != facts.capabilities) facts.capabilities.clear();
  return facts;
}

}  // namespace mcpstate
