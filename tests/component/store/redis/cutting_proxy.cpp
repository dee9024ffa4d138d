// SPDX-License-Identifier: MIT
#include "component/store/redis/cutting_proxy.hh"

#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <mcpstate/aio/deadline.hpp>

namespace mcpstate::test {

namespace net = boost::asio;
using net::ip::tcp;

struct cutting_proxy::pair {
  pair(tcp::socket client_side, tcp::socket server_side) : client(std::move(client_side)), server(std::move(server_side)) {}
  tcp::socket client, server;
  bool is_cut = false;
  int running = 2;  // pumps
};

cutting_proxy::cutting_proxy(net::io_context& context, std::uint16_t server_port)
    : context_(context),
      server_(net::ip::address_v4::loopback(), server_port),
      acceptor_(context, tcp::endpoint(net::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()),
      changed_(context, net::steady_timer::time_point::max()),
      work_(context.get_executor(), aio::end_process) {
  work_.spawn("accept", accept());
}

void cutting_proxy::cut_after(way direction, std::size_t bytes) {
  direction_ = direction;
  left_ = bytes;
  armed_ = true;
  done_ = false;
}

bool cutting_proxy::disarm() noexcept {
  const bool was = armed_;
  armed_ = false;
  return was;
}

void cutting_proxy::before_each(std::string word, std::function<net::awaitable<void>()> meanwhile) {
  word_ = std::move(word);
  meanwhile_ = std::move(meanwhile);
}

net::awaitable<void> cutting_proxy::cut_done() {
  while (!done_) co_await changed_.async_wait(aio::use_ec);
}

net::awaitable<void> cutting_proxy::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  for (const auto& both : open_) {
    both->client.close(ignored);
    both->server.close(ignored);
  }
  co_await work_.stop();
}

net::awaitable<void> cutting_proxy::accept() {
  for (;;) {
    auto [ec, client] = co_await acceptor_.async_accept(aio::use_ec);
    if (ec) co_return;
    tcp::socket server(context_);
    auto [refused] = co_await server.async_connect(server_, aio::use_ec);
    if (refused) continue;
    client.set_option(tcp::no_delay(true));
    server.set_option(tcp::no_delay(true));
    auto both = std::make_shared<pair>(std::move(client), std::move(server));
    open_.insert(both);
    work_.spawn("to server", pump(both, way::to_server));
    work_.spawn("to client", pump(both, way::to_client));
  }
}

// The client sees the end at once. The server gets an end too, and closes its side only after it has executed what was
// complete before it: that is what cut_done() waits for.
void cutting_proxy::cut(pair& both) {
  armed_ = false;
  both.is_cut = true;
  boost::system::error_code ignored;
  both.client.close(ignored);
  both.server.shutdown(tcp::socket::shutdown_send, ignored);
}

net::awaitable<void> cutting_proxy::pump(std::shared_ptr<pair> both, way direction) {
  const bool up = direction == way::to_server;
  tcp::socket& from = up ? both->client : both->server;
  tcp::socket& to = up ? both->server : both->client;
  std::array<char, 16384> buffer{};
  boost::system::error_code ignored;
  for (;;) {
    auto [ec, size] = co_await from.async_read_some(net::buffer(buffer), aio::use_ec);
    if (ec) break;
    if (both->is_cut) continue;  // what the server still says is for nobody
    const std::string_view said(buffer.data(), size);
    if (up && meanwhile_ && said.find(word_) != said.npos) co_await meanwhile_();
    const bool counted = armed_ && direction == direction_;
    const std::size_t passing = counted ? std::min(size, left_) : size;
    if (counted) left_ -= passing;
    auto [lost, written] = co_await net::async_write(to, net::buffer(buffer.data(), passing), aio::use_ec);
    if (counted && left_ == 0) cut(*both);
    if (lost && !both->is_cut) break;
  }
  to.shutdown(tcp::socket::shutdown_send, ignored);
  if (--both->running > 0) co_return;
  both->server.close(ignored);
  both->client.close(ignored);
  open_.erase(both);
  if (both->is_cut) {
    done_ = true;
    changed_.cancel();
  }
}

}  // namespace mcpstate::test
