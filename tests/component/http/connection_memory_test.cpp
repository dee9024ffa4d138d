// SPDX-License-Identifier: MIT
// What a connection costs while nothing happens on it.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "component/mcp/raw_peer.hh"
#include "support/heap.hh"

namespace mcpstate::test {
namespace {

constexpr std::size_t count = 300;  // two descriptors each, within the usual limit of 1024

const std::string answer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20000\r\n\r\n" + std::string(20'000, 'x');
const std::string stream_begun =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n: hello\n\r\n";

struct many_connections {
  many_connections() {}
  std::vector<std::unique_ptr<http::connection>> ours;
  std::vector<asio::ip::tcp::socket> theirs;
};

// Each has sent a request and has this answer waiting.
asio::awaitable<void> open(raw_peer& peer, many_connections& out, std::string bytes) {
  const auto executor = co_await asio::this_coro::executor;
  for (std::size_t i = 0; i < count; ++i) {
    auto opened = co_await http::open_connection(executor, peer.url(), nullptr);
    CO_ASSERT_OK(opened);
    co_await peer.accept();
    co_await peer.write(bytes);
    out.ours.push_back(std::move(*opened));
    out.theirs.push_back(std::move(peer.socket()));
  }
}

// Heap per connection, the server's end included.
asio::awaitable<void> after_an_exchange(std::size_t& each) {
  raw_peer peer(co_await asio::this_coro::executor);
  many_connections all;
  all.ours.reserve(count);
  all.theirs.reserve(count);
  const std::size_t before = heap_in_use();
  co_await open(peer, all, answer);
  for (auto& one : all.ours) {
    auto request = post(std::string(20'000, 'y'));
    CO_ASSERT_OK(co_await one->send(request));
    const auto got = co_await read_whole(*one);
    CO_ASSERT_OK(got);
    EXPECT_EQ(got->size(), 20'000U);
    EXPECT_TRUE(one->reusable());
  }
  each = (heap_in_use() - before) / count;
}

asio::awaitable<void> listen(http::connection& one, std::size_t& begun, std::size_t& ended) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto request = post();
  CO_ASSERT_OK(co_await one.send(request));
  const auto first = co_await one.read_body();
  CO_ASSERT_OK(first);
  ++begun;
  const auto second = co_await one.read_body();
  EXPECT_FALSE(second.has_value());
  ++ended;
}

asio::awaitable<void> while_listening(std::size_t& each) {
  const auto executor = co_await asio::this_coro::executor;
  raw_peer peer(executor);
  many_connections all;
  all.ours.reserve(count);
  all.theirs.reserve(count);
  std::size_t begun = 0;
  std::size_t ended = 0;
  aio::task_group group(executor);
  const std::size_t before = heap_in_use();
  co_await open(peer, all, stream_begun);
  for (auto& one : all.ours) group.spawn("listen", listen(*one, begun, ended));
  EXPECT_TRUE(co_await eventually([&] { return begun == count; }));
  each = (heap_in_use() - before) / count;
  co_await group.stop();
  EXPECT_EQ(ended, count);
}

// The bounds are for both ends of the connection, and for the system's library as well as for a sanitizer's.
TEST(HttpConnectionMemory, IsBoundedWhileIdle) {
  std::size_t each = 0;
  run_co_test([&](asio::io_context&) { return after_an_exchange(each); });
  RecordProperty("bytes_per_idle_connection", static_cast<int>(each));
  std::cout << "an idle connection: " << each << " bytes" << std::endl;
  EXPECT_GT(each, 100U);
  EXPECT_LT(each, 2048U);
}

TEST(HttpConnectionMemory, IsBoundedWhileWaitingForEvents) {
  std::size_t each = 0;
  run_co_test([&](asio::io_context&) { return while_listening(each); });
  RecordProperty("bytes_per_waiting_connection", static_cast<int>(each));
  std::cout << "a connection that waits for events: " << each << " bytes" << std::endl;
  EXPECT_GT(each, 100U);
  EXPECT_LT(each, 8192U);
}

}  // namespace
}  // namespace mcpstate::test
