// SPDX-License-Identifier: MIT
// Records that are there although they should have expired.
#include <gtest/gtest.h>

#include "component/store/watch/shelf.hh"
#include "support/co_test.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;

// The clock of this machine is ahead of the store's, or the store does not remove what has expired.
CO_TEST(WatchHub, ListsARecordThatShouldBeGoneLessAndLessOften) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  s.records[user("1")]["a"] = 1;
  s.expires = wall_clock().now() - 1h;
  auto w = s.hub.open(user("1"), watch_options());
  EXPECT_EQ(co_await next(*w, 2), "+1/a@1 ready");
  co_await aio::wait_until(aio::after(1200ms));
  EXPECT_GE(s.listings, 3) << "it looks again";
  EXPECT_LE(s.listings, 6) << "after 50, 100, 200, 400, 800 ms";
  EXPECT_EQ(s.overdue, s.listings) << "each one says that the clock may be wrong";
  s.records.clear();
  EXPECT_EQ(co_await next(*w, 1), "-1/a");
  co_await s.hub.close();
}

// The next record of that owner is looked at when it expires, and soon again where it is late.
CO_TEST(WatchHub, ForgetsThatARecordWasOverdueWithTheRecord) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  s.records[user("1")]["a"] = 1;
  s.expires = wall_clock().now() - 1h;
  auto w = s.hub.open(user("1"), watch_options());
  CO_ASSERT_TRUE(co_await eventually([&s] { return s.listings == 4; }));
  s.expires = wall_clock().now() + 100ms;
  s.hub.changed(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&s] { return s.listings == 5; }));
  EXPECT_EQ(s.overdue, 4);
  CO_ASSERT_TRUE(co_await eventually([&s] { return s.listings >= 7; }, 1s));
  co_await s.hub.close();
}

}  // namespace

}  // namespace mcpstate::test
