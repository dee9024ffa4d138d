// SPDX-License-Identifier: MIT
#include "mcp/protocol/target.hh"

#include <algorithm>
#include <utility>

#include "http/url.hh"
#include "mcp/protocol/http_rules.hh"

namespace mcpstate::mcp {
namespace {

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

result<void> check_command(const stdio_target& program) {
  const auto bad = [](std::string reason) { return error(errc::bad_argument, std::move(reason)); };
  if (program.command.empty() || program.command.front().empty()) return bad("a stdio server needs a command");
  if (std::any_of(program.command.begin(), program.command.end(), has_nul) || has_nul(program.cwd)) {
    return bad("the command of a stdio server holds a zero byte");
  }
  for (const auto& [name, value] : program.env) {
    const bool sound = !name.empty() && name.find('=') == std::string::npos && !has_nul(name) && !has_nul(value);
    if (!sound) return bad("an environment variable of a stdio server is not valid");
  }
  return result<void>();
}

}  // namespace

result<std::string> shown_url(std::string_view url) {
  MCPSTATE_TRY(parsed, http::parse_url(url));
  return std::move(parsed.shown);
}

std::string era_key(const target& server) {
  if (const auto* web = std::get_if<http_target>(&server)) return web->url;
  std::string out;
  for (const std::string& word : std::get<stdio_target>(server).command) out.append(word).push_back('\0');
  return out;
}

result<void> check_target(const target& server) {
  if (const auto* const web = std::get_if<http_target>(&server)) return check_protocol_headers(web->headers);
  return check_command(std::get<stdio_target>(server));
}

}  // namespace mcpstate::mcp
