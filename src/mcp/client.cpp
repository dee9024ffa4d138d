// SPDX-License-Identifier: MIT
#include <mcpstate/mcp/client.hpp>

#include <algorithm>
#include <utility>

#include "mcp/http_rules.hh"
#include "mcp/session.hh"

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

// What is wrong with a target, as far as that can be seen without trying.
struct check_target {
  result<void> operator()(const http_target&) const { return result<void>(); }  // its transport does
  result<void> operator()(const stdio_target& where) const { return check_command(where); }
};

}  // namespace

result<std::string> shown_url(std::string_view url) {
  auto parsed = parse_http_url(url);
  if (!parsed) return parsed.error();
  return std::move(parsed->shown);
}

std::string era_key(const target& where) {
  if (const auto* there = std::get_if<http_target>(&where)) return there->url;
  std::string out;
  for (const std::string& word : std::get<stdio_target>(where).command) out.append(word).push_back('\0');
  return out;
}

task<std::unique_ptr<client>> connect(asio::any_io_executor executor, target where, client_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (options.client_version.empty()) options.client_version = MCPSTATE_VERSION;
  MCPSTATE_CO_CHECK(std::visit(check_target(), where));
  auto opened = std::make_unique<session>(executor, std::move(where), std::move(options));
  auto ready = co_await opened->open();
  const auto state = co_await asio::this_coro::cancellation_state;
  const bool cancelled = state.cancelled() != asio::cancellation_type::none;
  // Whoever cancelled no longer takes the result: nothing may be left behind.
  if (!ready || cancelled) co_await opened->close();
  if (cancelled) co_return error(errc::stopped, "connecting was cancelled");
  if (!ready) co_return ready.error();
  co_return std::unique_ptr<client>(std::move(opened));
}

}  // namespace mcpstate::mcp
