// SPDX-License-Identifier: MIT
#include "manager/servers/target_secrets.hh"

#include <utility>

#include "core/text/secrets.hh"

namespace mcpstate {

namespace {

constexpr std::size_t shortest_secret = 6;  // bytes; hiding "true" or "info" would make nonsense of every text
constexpr std::size_t shortest_named = 4;   // of what is called a token, a password, …

class collector {
 public:
  explicit collector(const std::string& shown) : shown_(shown) {}

  // What everybody sees anyway is none.
  void add(std::string_view value, std::size_t shortest) {
    if (value.size() >= shortest && shown_.find(value) == std::string::npos) found_.emplace_back(value);
  }
  void add_named(std::string_view name, std::string_view value) {
    add(value, names_secret(name) ? shortest_named : shortest_secret);
  }
  // A text of several lines is seldom printed as it is.
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

void collect(collector& out, const mcp::http_target& there) {
  for (const auto& [name, value] : there.headers) {
    out.add_named(name, value);
    // "Bearer s3cret"
    if (const auto blank = value.find(' '); blank != std::string::npos) out.add_named(name, value.substr(blank + 1));
  }
  const auto query = there.url.find('?');
  std::string_view rest = std::string_view(there.url).substr(query == std::string::npos ? there.url.size() : query + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const auto one = rest.substr(0, end);
    const auto is = one.find('=');
    if (is != std::string_view::npos) out.add_named(one.substr(0, is), one.substr(is + 1));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

void collect(collector& out, const mcp::stdio_target& program) {
  for (const auto& [name, value] : program.env) out.add_lines(name, value);
  for (std::size_t i = 1; i < program.command.size(); ++i) {
    const std::string& here = program.command[i];
    const std::string& before = program.command[i - 1];
    const auto is = here.find('=');
    const bool asks = i > 1 && before.starts_with('-') && before.find('=') == std::string::npos;
    if (asks && names_secret(before)) out.add_named(before, here);
    if (is != std::string::npos && names_secret(here.substr(0, is))) out.add_named(here.substr(0, is), here.substr(is + 1));
  }
}

}  // namespace

std::vector<std::string> secrets_of(const mcp::target& where, std::vector<std::string> expanded, const std::string& shown) {
  collector out(shown);
  for (const std::string& each : expanded) out.add_lines({}, each);
  std::visit([&out](const auto& there) { collect(out, there); }, where);
  return out.take();
}

error without_secrets(const error& why, const secret_list& secrets) {
  const auto cleaned = [&secrets](const std::string& text) {
    return without_secrets(secrets ? without_values(text, *secrets) : text);
  };
  return error(why.code(), cleaned(why.detail()), cleaned(why.peer_text()));
}

}  // namespace mcpstate
