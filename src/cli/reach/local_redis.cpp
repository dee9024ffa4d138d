// SPDX-License-Identifier: MIT
#include "cli/reach/local_redis.hh"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <filesystem>
#include <fstream>

#include <mcpstate/open_store.hpp>

namespace mcpstate::cli {

namespace {

constexpr std::uint16_t redis_port = 6379;
constexpr auto ping_timeout = std::chrono::milliseconds(100);

// "+PONG", or a refusal that only a Redis with a password gives.
task<bool> ping(asio::any_io_executor executor) {
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::ip::tcp::socket socket(executor);
  const asio::ip::tcp::endpoint there(asio::ip::address_v4::loopback(), redis_port);
  auto [refused] = co_await socket.async_connect(there, aio::use_ec);
  if (refused) co_return false;
  const std::string question = "PING\r\n";
  auto [unsent, sent] = co_await asio::async_write(socket, asio::buffer(question), aio::use_ec);
  if (unsent) co_return false;
  std::string answer;
  auto line = asio::dynamic_buffer(answer, 512);
  auto [unread, size] = co_await asio::async_read_until(socket, line, "\r\n", aio::use_ec);
  co_return !unread && (answer.starts_with("+PONG") || answer.starts_with("-NOAUTH"));
}

}  // namespace

asio::awaitable<void> mention_local_redis(context& ctx) {
  if (ctx.config.origin != url_origin::none) co_return;
  const auto marker = std::filesystem::path(default_sqlite_path()).parent_path() / "local-redis-mentioned";
  std::error_code ignored;
  if (std::filesystem::exists(marker, ignored)) co_return;
  auto asking = ping(ctx.executor);
  const auto answered = co_await aio::with_deadline(std::move(asking), aio::after(ping_timeout), "ping");
  if (!answered || !*answered) co_return;
  ctx.screen.note(
      "note: a Redis answers on localhost:6379; if your application keeps its state there, use --store "
      "redis://localhost:6379/0 or set REDIS_URL (this is said once)");
  std::ofstream(marker) << "\n";
}

}  // namespace mcpstate::cli
