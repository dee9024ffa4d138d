// SPDX-License-Identifier: MIT
#include "mcp/protocol/target.hh"

#include <algorithm>
#include <utility>

#include "http/url.hh"
#include "mcp/protocol/http_rules.hh"

namespace mcpstate::mcp {
namespace {

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

result<void> check_command(const stdio_target& where) {
  const auto bad = [](std::string why) { return error(errc::bad_argument, std::move(why)); };
  if (where.command.empty() || where.command.front().empty()) return bad("a stdio server needs a command");
  if (std::any_of(where.command.begin(), where.command.end(), has_nul) || has_nul(where.cwd)) {
    return bad("the command of a stdio server holds a zero byte");
  }
  for (const auto& [name, value] : where.env) {
    const bool sound = !name.empty() && name.find('=') == std::string::npos && !has_nul(name) && !has_nul(value);
    if (!sound) return bad("an environment variable of a stdio server is not valid");
  }
  return result<void>();
}

}  // namespace

result<std::string> shown_url(std::string_view url) {
  auto parsed = http::parse_url(url);
  if (!parsed) return parsed.error();
  return std::move(parsed->shown);
}

std::string era_key(const target& where) {
  if (const auto* there = std::get_if<http_target>(&where)) return there->url;
  std::string out;
  for (const std::string& word : std::get<stdio_target>(where).command) out.append(word).push_back('\0');
  return out;
}

result<void> check_target(const target& where) {
  if (const auto* const there = std::get_if<http_target>(&where)) return check_protocol_headers(there->headers);
  return check_command(std::get<stdio_target>(where));
}

}  // namespace mcpstate::mcp
