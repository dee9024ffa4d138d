// SPDX-License-Identifier: MIT
#include "aio/event.hh"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <mcpstate/aio/task_group.hpp>

#include <vector>

#include "aio/latch.hh"
#include "support/co_test.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> note_wake(aio::event& changed, std::vector<bool>& woken, aio::deadline until) {
  const bool by_notify = co_await changed.wait(until);
  woken.push_back(by_notify);
}

CO_TEST(Event, WakesAllCurrentWaiters) {
  const auto executor = co_await asio::this_coro::executor;
  aio::event changed;
  std::vector<bool> woken;
  aio::task_group group(executor);
  changed.notify();  // nobody waits: it is forgotten
  for (int i = 0; i < 3; ++i) group.spawn("waiter", note_wake(changed, woken, aio::deadline::max()));
  co_await asio::post(executor, asio::use_awaitable);
  CO_ASSERT_TRUE(woken.empty());
  changed.notify();
  const bool all = co_await eventually([&] { return woken.size() == 3; });
  CO_ASSERT_TRUE(all);
  EXPECT_EQ(woken, std::vector<bool>(3, true));
  group.spawn("late", note_wake(changed, woken, aio::after(5ms)));
  const bool late = co_await eventually([&] { return woken.size() == 4; });
  CO_ASSERT_TRUE(late);
  EXPECT_FALSE(woken.back());  // its time ran out
  co_await group.stop();
}

CO_TEST(Event, DoesNotTakeACancellationForANotification) {
  const auto executor = co_await asio::this_coro::executor;
  aio::event changed;
  std::vector<bool> woken;
  {
    aio::task_group group(executor);
    group.spawn("waiter", note_wake(changed, woken, aio::deadline::max()));
    co_await asio::post(executor, asio::use_awaitable);
    co_await group.stop();
  }
  EXPECT_EQ(woken, std::vector<bool>{false});
  changed.notify();  // and it is not remembered
}

asio::awaitable<void> note_open(aio::latch& once, std::vector<bool>& opened) {
  const bool open = co_await once.wait();
  opened.push_back(open);
}

CO_TEST(Latch, StaysOpenOnceOpened) {
  const auto executor = co_await asio::this_coro::executor;
  aio::latch once;
  std::vector<bool> opened;
  aio::task_group group(executor);
  const bool before = co_await once.wait(aio::after(1ms));
  EXPECT_FALSE(before);
  group.spawn("waiter", note_open(once, opened));
  once.open();
  const bool now = co_await once.wait();
  EXPECT_TRUE(now);
  const bool all = co_await eventually([&] { return opened.size() == 1; });
  CO_ASSERT_TRUE(all);
  EXPECT_TRUE(opened.front());
  co_await group.stop();
}

}  // namespace
}  // namespace mcpstate::test
