// SPDX-License-Identifier: MIT
// Waiting, and being asked to end.
#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task_group.hpp>

#include "support/co_test.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// Is asked to end while it does what nothing can interrupt.
asio::awaitable<void> waits_again_and_again(std::size_t& rounds) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto executor = co_await asio::this_coro::executor;
  for (bool going = true; going; ++rounds) {
    co_await asio::post(executor, asio::use_awaitable);
    going = co_await aio::wait_until(aio::after(1ms));
  }
}

CO_TEST_WITHIN(WaitUntil, EndsOnACancellationBetweenTwoWaits, 10s) {
  for (std::size_t turns = 0; turns < 50; ++turns) {
    std::size_t rounds = 0;
    aio::task_group group(co_await asio::this_coro::executor);
    group.spawn("waits", waits_again_and_again(rounds));
    const auto executor = group.executor();
    for (std::size_t i = 0; i < turns; ++i) {
      co_await asio::post(executor, asio::use_awaitable);
    }
    co_await group.stop();
    EXPECT_GT(rounds, 0U);
  }
}

CO_TEST_WITHIN(WaitUntil, WaitsUntilTheTime, 10s) {
  const auto begun = std::chrono::steady_clock::now();
  const bool waited = co_await aio::wait_until(begun + 5ms);
  EXPECT_TRUE(waited);
  EXPECT_GE(std::chrono::steady_clock::now(), begun + 5ms);
}

}  // namespace
}  // namespace mcpstate::test
