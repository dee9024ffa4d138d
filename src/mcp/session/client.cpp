// SPDX-License-Identifier: MIT
#include <mcpstate/mcp/client.hpp>

#include <utility>

#include "aio/caller_settings.hh"
#include "mcp/protocol/target.hh"
#include "mcp/session/session.hh"

namespace mcpstate::mcp {
namespace {

task<std::unique_ptr<client>> open_client(asio::any_io_executor executor, target server, client_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (options.client_version.empty()) options.client_version = MCPSTATE_VERSION;
  MCPSTATE_CO_CHECK(check_target(server));
  auto opened = std::make_unique<session>(executor, std::move(server), std::move(options));
  auto ready = co_await opened->open();
  const bool cancelled = co_await aio::is_cancelled();
  // A caller that has cancelled does not take the result, so nothing may be left behind.
  if (!ready || cancelled) co_await opened->close();
  if (cancelled) co_return error(errc::stopped, "connecting was cancelled");
  if (!ready) co_return ready.error();
  co_return std::unique_ptr<client>(std::move(opened));
}

}  // namespace

task<std::unique_ptr<client>> connect(asio::any_io_executor executor, target server, client_options options) {
  auto opening = open_client(std::move(executor), std::move(server), std::move(options));
  return aio::keep_settings_unless_cancelled(std::move(opening), "connecting was cancelled");
}

}  // namespace mcpstate::mcp
