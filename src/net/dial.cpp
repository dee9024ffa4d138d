// SPDX-License-Identifier: MIT
#include "net/dial.hh"

#include <boost/asio/connect.hpp>

#include <mcpstate/aio/deadline.hpp>

#include <chrono>
#include <utility>
#include <vector>

namespace mcpstate::net {
namespace {

using tcp = asio::ip::tcp;
using local = asio::local::stream_protocol;
using error_code = boost::system::error_code;

constexpr std::chrono::milliseconds full_backlog_pause{10};
constexpr std::size_t longest_unix_path = 107;  // what sockaddr_un holds on Linux

error cannot_connect(const std::string& shown, const error_code& ec) {
  return error(errc::connect_failed, "cannot connect to " + shown + ": " + ec.message());
}

// Where the queue of who wants to connect is full, connect() says EAGAIN, which Asio takes for "under way": the socket is then
// ready at once, and connected to nothing.
bool is_connected(const unix_socket& socket) {
  error_code ec;
  static_cast<void>(socket.remote_endpoint(ec));
  return !ec;
}

}  // namespace

task<tcp_socket> dial_tcp(asio::any_io_executor executor, dial_target target) {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_TRY(found, co_await target.look_up(target.host));
  if (target.check) MCPSTATE_CO_CHECK(target.check(target.host, found));
  std::vector<tcp::endpoint> endpoints;
  for (const auto& address : found) endpoints.emplace_back(address, target.port);
  // A cancellation that comes between two operations stops neither of them.
  const bool cancelled = co_await aio::is_cancelled();
  if (cancelled) co_return error(errc::stopped, "connecting to " + target.shown);
  tcp_socket socket(executor);
  auto [refused, peer] = co_await asio::async_connect(socket, endpoints, aio::use_ec);
  static_cast<void>(peer);
  if (refused) co_return cannot_connect(target.shown, refused);
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);  // a connection without it is slower, and works
  co_return std::move(socket);
}

task<unix_socket> dial_unix(asio::any_io_executor executor, std::string path) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (path.size() > longest_unix_path) co_return error(errc::connect_failed, "the path of the unix socket is too long");
  const local::endpoint endpoint(path);
  for (;;) {
    unix_socket socket(executor);
    auto [refused] = co_await socket.async_connect(endpoint, aio::use_ec);
    if (refused) co_return cannot_connect("unix:" + path, refused);
    if (is_connected(socket)) co_return std::move(socket);
    const bool waited = co_await aio::wait_until(aio::after(full_backlog_pause));
    if (!waited) co_return error(errc::stopped, "connecting to unix:" + path);
  }
}

bool is_address(const std::string& host) {
  error_code ec;
  asio::ip::make_address(host, ec);
  return !ec;
}

}  // namespace mcpstate::net
