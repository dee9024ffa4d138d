// SPDX-License-Identifier: MIT
#include "manager/origins/origin_limit.hh"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "support/co_test.hh"

namespace mcpstate::test {
namespace {

using slot_ptr = std::shared_ptr<origin_limit::slot>;

asio::awaitable<void> enter(origin_limit& limit, std::string origin, std::string name, std::vector<std::string>& log,
                            std::vector<slot_ptr>& slots, std::string whose = "user:1") {
  auto waiting = limit.acquire(std::move(origin), std::move(whose));
  auto slot = co_await std::move(waiting);
  log.push_back(slot ? name : name + " cancelled");
  slots.push_back(std::make_shared<origin_limit::slot>(std::move(slot)));
}

CO_TEST(OriginLimit, ServesWaitersInOrder) {
  origin_limit limit(2);
  std::vector<std::string> log;
  std::vector<slot_ptr> slots;
  aio::task_group group(co_await asio::this_coro::executor, aio::end_process);
  for (const char* name : {"a", "b", "c", "d"}) group.spawn(name, enter(limit, "x", name, log, slots));
  group.spawn("e", enter(limit, "y", "e", log, slots));
  const bool three = co_await eventually([&log] { return log.size() == 3; });
  CO_ASSERT_TRUE(three);
  EXPECT_EQ(log, (std::vector<std::string>{"a", "b", "e"}));
  EXPECT_EQ(limit.in_use("x"), 2U);
  *slots[0] = origin_limit::slot();
  const bool four = co_await eventually([&log] { return log.size() == 4; });
  CO_ASSERT_TRUE(four);
  EXPECT_EQ(log.back(), "c");
  EXPECT_EQ(limit.in_use("x"), 2U);
  *slots[1] = origin_limit::slot();
  const bool five = co_await eventually([&log] { return log.size() == 5; });
  CO_ASSERT_TRUE(five);
  EXPECT_EQ(log.back(), "d");
  slots.clear();
  EXPECT_EQ(limit.in_use("x"), 0U);
  EXPECT_EQ(limit.in_use("y"), 0U);
  co_await group.join();
}

CO_TEST(OriginLimit, ServesNewOwnersBeforeThoseWithSlots) {
  origin_limit limit(3);
  std::vector<std::string> log;
  std::vector<slot_ptr> slots;
  aio::task_group group(co_await asio::this_coro::executor, aio::end_process);
  for (const char* name : {"a1", "a2", "a3", "a4", "a5"}) group.spawn(name, enter(limit, "x", name, log, slots, "user:a"));
  for (const char* name : {"b1", "b2"}) group.spawn(name, enter(limit, "x", name, log, slots, "user:b"));
  group.spawn("c1", enter(limit, "x", "c1", log, slots, "user:c"));
  const std::vector<std::string> order = {"a1", "a2", "a3", "b1", "c1", "a4", "b2", "a5"};
  for (std::size_t done = 3; done < order.size(); ++done) {
    const bool next = co_await eventually([&] { return log.size() == done; });
    CO_ASSERT_TRUE(next);
    *slots[done - 3] = origin_limit::slot();
  }
  const bool all = co_await eventually([&] { return log.size() == order.size(); });
  EXPECT_TRUE(all);
  EXPECT_EQ(log, order);
  slots.clear();
  EXPECT_EQ(limit.in_use("x"), 0U);
  co_await group.join();
}

// Who gives up leaves the queue, also when his turn has come in the same moment.
CO_TEST(OriginLimit, RemovesWaitersThatGiveUp) {
  origin_limit limit(1);
  std::vector<std::string> log;
  std::vector<slot_ptr> slots;
  aio::task_group group(co_await asio::this_coro::executor, aio::end_process);
  aio::task_group hasty(co_await asio::this_coro::executor, aio::end_process);
  group.spawn("a", enter(limit, "x", "a", log, slots));
  const bool first = co_await eventually([&log] { return log.size() == 1; });
  CO_ASSERT_TRUE(first);
  hasty.spawn("b", enter(limit, "x", "b", log, slots));
  group.spawn("c", enter(limit, "x", "c", log, slots));
  co_await asio::post(asio::use_awaitable);
  co_await hasty.stop();
  EXPECT_EQ(log.back(), "b cancelled");
  *slots[0] = origin_limit::slot();
  const bool next = co_await eventually([&log] { return log.back() == "c"; });
  CO_ASSERT_TRUE(next);
  slots.clear();
  EXPECT_EQ(limit.in_use("x"), 0U);
  co_await group.join();
}

CO_TEST(OriginLimit, NobodyWaitsLongerThanTheCallerDoes) {
  origin_limit limit(1);
  auto taking = limit.acquire("x", "user:1");
  origin_limit::slot first = co_await std::move(taking);
  CO_ASSERT_TRUE(static_cast<bool>(first));
  auto waiting = limit.acquire("x", "user:2", aio::after(std::chrono::milliseconds(20)));
  const origin_limit::slot none = co_await std::move(waiting);
  EXPECT_FALSE(none);
  // Who has given up is in nobody's way.
  first = origin_limit::slot();
  EXPECT_EQ(limit.in_use("x"), 0U);
  auto again = limit.acquire("x", "user:3", aio::after(std::chrono::seconds(20)));
  const origin_limit::slot next = co_await std::move(again);
  EXPECT_TRUE(next);
}

}  // namespace
}  // namespace mcpstate::test
