// SPDX-License-Identifier: MIT
// What a check (client::ping) takes for a sign of life.
#include <optional>
#include <string>

#include <mcpstate/aio/task_group.hpp>

#include "component/mcp/mcp_support.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// How many lists the server has given out: each has another tool.
asio::awaitable<std::string> list_again(mcp::client& client) {
  auto listed = co_await client.list_tools();
  co_return listed ? std::string(listed->tools.bytes()) : listed.error().full_text();
}

struct call_outcome {
  std::optional<error> failed;
  bool done = false;
};

asio::awaitable<void> call_into(mcp::client& client, call_outcome& outcome) {
  mcp::call_options options;
  options.timeout = 30s;
  auto called = co_await client.call_tool("work", "{}", options);
  if (!called) outcome.failed = called.error();
  outcome.done = true;
}

asio::awaitable<void> is_busy(std::string starts) {
  const auto server = timed_server("busy", 2.5, starts);
  auto options = test_options();
  options.request_timeout = 700ms;  // so that a check which waits for the answer fails long before the call ends
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, options);
  CO_ASSERT_OK(opened);
  call_outcome call;
  aio::task_group group(co_await asio::this_coro::executor, aio::end_process);
  group.spawn("call", call_into(**opened, call));
  co_await asio::post(asio::use_awaitable);
  int checks = 0;
  for (; !call.done; ++checks) {
    auto checked = co_await (*opened)->ping();
    EXPECT_TRUE(checked.has_value()) << checked.error().full_text();
    co_await aio::wait_until(aio::after(50ms));
  }
  EXPECT_GT(checks, 2);
  EXPECT_FALSE(call.failed) << call.failed->full_text();
  auto checked = co_await (*opened)->ping();  // it answers again
  EXPECT_TRUE(checked.has_value()) << checked.error().full_text();
  co_await group.join();
  co_await (*opened)->close();
}

TEST(Checks, ARequestUnderWayIsASignOfLife) {
  const temp_dir dir;
  run_co_test([&](asio::io_context&) { return is_busy(dir.file("starts")); }, 60s);
}

asio::awaitable<void> is_asked_for_its_tools(std::string mode, std::string starts) {
  const auto server = timed_server(mode, 0, starts);
  auto options = test_options();
  options.request_timeout = 2s;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, options);
  CO_ASSERT_OK(opened);
  auto checked = co_await (*opened)->ping();
  EXPECT_TRUE(checked.has_value()) << mode << ": " << checked.error().full_text();
  // It is remembered: the next ones ask for the tools at once.
  const auto began = std::chrono::steady_clock::now();
  for (int round = 0; round < 3; ++round) {
    auto again = co_await (*opened)->ping();
    EXPECT_TRUE(again.has_value()) << mode << ": " << again.error().full_text();
  }
  if (mode == "mute") {
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
  }
  const std::string tools = co_await list_again(**opened);
  EXPECT_NE(tools.find("tool5"), std::string::npos) << mode << ": " << tools;
  co_await (*opened)->close();
}

TEST(Checks, AServerWithoutPingIsAskedForItsToolsAndThatIsRemembered) {
  for (const char* const mode : {"mute", "-32601", "-32001", "-32600"}) {
    const temp_dir dir;
    run_co_test([&](asio::io_context&) { return is_asked_for_its_tools(mode, dir.file("starts")); }, 60s);
  }
}

asio::awaitable<void> is_given_up(std::string starts) {
  const auto server = timed_server("lists_not", 0, starts);
  auto options = test_options();
  options.request_timeout = 300ms;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, options);
  CO_ASSERT_OK(opened);
  static_cast<void>(co_await list_again(**opened));
  for (int round = 0; round < 2; ++round) {
    auto checked = co_await (*opened)->ping();
    CO_ASSERT_FAILS(checked, errc::deadline);
  }
  co_await (*opened)->close();
}

TEST(Checks, SilenceToBothIsNoSignOfLife) {
  const temp_dir dir;
  run_co_test([&](asio::io_context&) { return is_given_up(dir.file("starts")); }, 60s);
}

}  // namespace
}  // namespace mcpstate::test
