// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <memory>
#include <string>
#include <utility>

#include "http/connection.hh"
#include "support/co_test.hh"

// Both ends of an HTTP connection in the hands of a test: it decides when the server sends which bytes.
namespace mcpstate::test {

class raw_peer {
 public:
  explicit raw_peer(asio::any_io_executor executor)
      : acceptor_(executor, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)), socket_(executor) {}

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] http::url url(const std::string& host = "127.0.0.1", const std::string& scheme = "http") const {
    return http::parse_url(scheme + "://" + host + ":" + std::to_string(port()) + "/mcp").value();
  }
  // The next connection; the kernel has accepted it already.
  asio::awaitable<void> accept() { socket_ = co_await acceptor_.async_accept(asio::use_awaitable); }
  // Up to the end of a head; its body may follow.
  asio::awaitable<std::string> read_request() {
    std::string out;
    co_await asio::async_read_until(socket_, asio::dynamic_buffer(out), "\r\n\r\n", asio::use_awaitable);
    co_return out;
  }
  asio::awaitable<void> write(std::string bytes) {
    auto [ec, size] = co_await asio::async_write(socket_, asio::buffer(bytes), aio::use_ec);
    static_cast<void>(size);
    if (ec) co_return;  // a client may have had enough
  }
  void close() { socket_.close(); }
  asio::ip::tcp::socket& socket() { return socket_; }

 private:
  asio::ip::tcp::acceptor acceptor_;
  asio::ip::tcp::socket socket_;
};

inline http::request post(const std::string& body = "{}") {
  http::request out;
  out.method = "POST";
  out.target = "/mcp";
  out.body = body;
  return out;
}

inline task<std::string> read_whole(http::connection& from) {
  std::string out;
  for (;;) {
    auto piece = co_await from.read_body();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return std::move(out);
    out += *piece;
  }
}

}  // namespace mcpstate::test
