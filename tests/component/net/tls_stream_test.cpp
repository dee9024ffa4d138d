// SPDX-License-Identifier: MIT
// TLS on the socket itself, against Asio's own stream at the other end.
#include "net/tls_stream.hh"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task_group.hpp>

#include "component/mcp/http_fixture.hh"
#include "net/tls.hh"
#include "support/co_test.hh"
#include "support/heap.hh"
#include "support/turns/outside_turns.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using tls_tcp = asio::ip::tcp;
using peer_stream = asio::ssl::stream<tls_tcp::socket&>;
using peer_body = std::function<asio::awaitable<void>(peer_stream& stream)>;

// Accepts connections one after the other, shakes hands and plays the body. The sockets stay open; of TLS nothing stays.
class tls_peer_end {
 public:
  tls_peer_end(asio::any_io_executor executor, peer_body body)
      : body_(std::move(body)),
        context_(asio::ssl::context::tls_server),
        acceptor_(executor, tls_tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        group_(executor, aio::end_process) {
    const outside_turns own;
    const test_certificate identity = make_certificate();
    context_.use_certificate_chain(asio::buffer(identity.certificate_pem));
    context_.use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem);
    group_.spawn("peers", accept());
  }

  task<net::tls_stream> connect() {
    co_await asio::this_coro::throw_if_cancelled(false);
    tls_tcp::socket socket(co_await asio::this_coro::executor);
    auto [ec] = co_await socket.async_connect(acceptor_.local_endpoint(), aio::use_ec);
    if (ec) co_return error(errc::connect_failed, ec.message());
    net::tls_peer expected;
    expected.host = expected.shown = "localhost";
    expected.verify = false;
    auto context = net::shared_tls_context("").value();
    co_return co_await net::shake_hands(std::move(socket), std::move(context), std::move(expected));
  }

  std::vector<std::unique_ptr<tls_tcp::socket>>& sockets() { return sockets_; }
  asio::awaitable<void> stop() { co_await group_.stop(); }

 private:
  asio::awaitable<void> accept() {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
      auto socket = std::make_unique<tls_tcp::socket>(co_await asio::this_coro::executor);
      auto [ec] = co_await acceptor_.async_accept(*socket, aio::use_ec);
      if (ec) co_return;
      sockets_.push_back(std::move(socket));
      group_.spawn("peer", serve(*sockets_.back()));
    }
  }
  asio::awaitable<void> serve(tls_tcp::socket& socket) {
    co_await asio::this_coro::throw_if_cancelled(false);
    peer_stream stream(socket, context_);
    auto [ec] = co_await stream.async_handshake(asio::ssl::stream_base::server, aio::use_ec);
    if (!ec) co_await body_(stream);
  }

  peer_body body_;
  asio::ssl::context context_;
  tls_tcp::acceptor acceptor_;
  std::vector<std::unique_ptr<tls_tcp::socket>> sockets_;
  aio::task_group group_;
};

asio::awaitable<void> say_hello(peer_stream& stream) {
  auto [ec, n] = co_await asio::async_write(stream, asio::buffer("hello", 5), aio::use_ec);
  EXPECT_EQ(n, 5U) << ec.message();
}

asio::awaitable<void> read_hello(net::tls_stream& stream) {
  std::string got(5, '\0');
  auto [ec, n] = co_await asio::async_read(stream, asio::buffer(got), aio::use_ec);
  EXPECT_EQ(n, 5U) << ec.message();
  EXPECT_EQ(got, "hello");
}

CO_TEST(TlsStream, HoldsNoBuffersWhileItWaits) {
  constexpr std::size_t count = 40;
  tls_peer_end peer(co_await asio::this_coro::executor, say_hello);
  std::vector<net::tls_stream> ours;
  ours.reserve(count + 1);
  std::size_t before = 0;
  for (std::size_t i = 0; i <= count; ++i) {
    if (i == 1) before = heap_in_use();  // what is made once for all is there
    auto made = co_await peer.connect();
    CO_ASSERT_OK(made);
    ours.push_back(std::move(*made));
    auto [failed, n] = co_await asio::async_write(ours.back(), asio::buffer("?", 1), aio::use_ec);
    EXPECT_EQ(n, 1U) << failed.message();
    co_await read_hello(ours.back());
    char byte = 0;
    boost::system::error_code ec;
    EXPECT_EQ(ours.back().read_some(asio::buffer(&byte, 1), ec), 0U);
    EXPECT_EQ(ec, asio::error::would_block);
  }
  const std::size_t each = (heap_in_use() - before) / count;
  std::cout << "a TLS connection that waits: " << each << " bytes" << std::endl;
  EXPECT_LT(each, 32U * 1024) << "Asio's takes 68 KB more";
  co_await peer.stop();
}

constexpr std::size_t bulk = 6'000'000;

asio::awaitable<void> peer_swaps(peer_stream& stream, bool& done) {
  const std::string down(bulk, 'd');
  auto [ec, n] = co_await asio::async_write(stream, asio::buffer(down), aio::use_ec);
  EXPECT_EQ(n, bulk) << ec.message();
  std::string got(bulk, '\0');
  auto [failed, read] = co_await asio::async_read(stream, asio::buffer(got), aio::use_ec);
  EXPECT_EQ(read, bulk) << failed.message();
  const outside_turns own;
  EXPECT_EQ(got, std::string(bulk, 'u'));
  done = true;
}

asio::awaitable<void> read_bulk(net::tls_stream& stream) {
  std::string got(bulk, '\0');
  auto [ec, n] = co_await asio::async_read(stream, asio::buffer(got), aio::use_ec);
  EXPECT_EQ(n, bulk) << ec.message();
  const outside_turns own;
  EXPECT_EQ(got, std::string(bulk, 'd'));
}

asio::awaitable<void> write_bulk(net::tls_stream& stream) {
  const std::string up(bulk, 'u');
  auto [ec, n] = co_await asio::async_write(stream, asio::buffer(up), aio::use_ec);
  EXPECT_EQ(n, bulk) << ec.message();
}

CO_TEST(TlsStream, CarriesMoreThanTheSocketsTakeInBothDirections) {
  const auto executor = co_await asio::this_coro::executor;
  bool done = false;
  tls_peer_end peer(executor, [&done](peer_stream& stream) { return peer_swaps(stream, done); });
  auto made = co_await peer.connect();
  CO_ASSERT_OK(made);
  aio::task_group group(executor, aio::end_process);
  group.spawn("read", read_bulk(*made));
  group.spawn("write", write_bulk(*made));
  co_await group.join();
  EXPECT_TRUE(co_await eventually([&done] { return done; }, 30s));
  co_await peer.stop();
}

asio::awaitable<void> end_politely(peer_stream& stream) {
  co_await say_hello(stream);
  auto [ec] = co_await stream.async_shutdown(aio::use_ec);  // waits for the other side's word, or its end
  static_cast<void>(ec);
}

asio::awaitable<void> cut(peer_stream& stream) {
  co_await say_hello(stream);
  stream.next_layer().close();
}

asio::awaitable<void> read_after_hello(peer_body serve, boost::system::error_code expected) {
  tls_peer_end peer(co_await asio::this_coro::executor, std::move(serve));
  auto made = co_await peer.connect();
  CO_ASSERT_OK(made);
  co_await read_hello(*made);
  std::string more(1, '\0');
  auto [ec, n] = co_await made->async_read_some(asio::buffer(more), aio::use_ec);
  EXPECT_EQ(n, 0U);
  EXPECT_EQ(ec, expected);
  made->lowest_layer().close();
  co_await peer.stop();
}

CO_TEST(TlsStream, TellsAnEndFromACut) {
  peer_body ends = end_politely, cuts = cut;
  co_await read_after_hello(std::move(ends), asio::error::eof);
  co_await read_after_hello(std::move(cuts), asio::ssl::error::stream_truncated);
}

asio::awaitable<result<std::size_t>> read_one(net::tls_stream& stream) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string into(1, '\0');
  auto [ec, n] = co_await stream.async_read_some(asio::buffer(into), aio::use_ec);
  if (ec) co_return error(errc::connection_lost, ec.message());
  co_return n;
}

CO_TEST(TlsStream, AReadEndsWhenItIsCancelled) {
  tls_peer_end peer(co_await asio::this_coro::executor, say_hello);
  auto made = co_await peer.connect();
  CO_ASSERT_OK(made);
  co_await read_hello(*made);
  auto reading = aio::with_deadline(read_one(*made), aio::after(20ms), "a byte");
  const auto read = co_await std::move(reading);
  EXPECT_FALSE(read.has_value());
  co_await peer.stop();
}

// The descriptor of a closed socket is soon another file's.
CO_TEST(TlsStream, NeverTouchesASocketThatIsClosed) {
  tls_peer_end peer(co_await asio::this_coro::executor, say_hello);
  auto made = co_await peer.connect();
  CO_ASSERT_OK(made);
  made->lowest_layer().close();
  std::string byte(1, 'x');
  boost::system::error_code ec;
  EXPECT_EQ(made->write_some(asio::buffer(byte), ec), 0U);
  EXPECT_EQ(ec, asio::error::bad_descriptor);
  EXPECT_EQ(made->read_some(asio::buffer(byte), ec), 0U);
  EXPECT_EQ(ec, asio::error::bad_descriptor);
  co_await peer.stop();
}

}  // namespace
}  // namespace mcpstate::test
