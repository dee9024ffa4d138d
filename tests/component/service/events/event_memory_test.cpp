// SPDX-License-Identifier: MIT
// What a subscriber costs.
#include <gtest/gtest.h>

#include <iostream>

#include "component/service/events/event_scene.hh"
#include "support/heap.hh"

namespace mcpstate::service {
namespace {

using test::eventually;

constexpr std::size_t many = 10'000;
constexpr std::size_t most_bytes = 8192;            // per subscriber of an owner of its own, with one record
constexpr std::size_t most_bytes_waiting = 10'240;  // and with a coroutine that waits for it

// What sits there until there is something to send.
asio::awaitable<void> wait_for_one(std::shared_ptr<subscription> from, std::size_t& got) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const bool one = co_await gets_one(from);
  if (one) ++got;
}

// The memory store answers at once: what the test does many times is many turns all the same.
asio::awaitable<void> end_turn(std::size_t done) {
  if (done % 100 == 0) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

asio::awaitable<void> one_each(scene& at) {
  for (std::size_t i = 0; i < many; ++i) {
    CO_ASSERT_OK(co_await put(*at.ours, user(std::to_string(i)), "a", status::connected));
    co_await end_turn(i);
  }
  const auto before = test::heap_in_use();
  {
    std::size_t changes = 0;
    std::vector<std::shared_ptr<subscription>> all;
    for (std::size_t i = 0; i < many; ++i) {
      all.push_back(at.live->subscribe(user(std::to_string(i))));
      co_await end_turn(i);
    }
    // All of them have their snapshot, and wait.
    for (auto& one : all) {
      const auto got = co_await one->next();
      CO_ASSERT_TRUE(got);
      CO_ASSERT_EQ(test::frames_of(**got).size(), 2U);
    }
    const auto bytes = (test::heap_in_use() - before) / many;
    for (auto& one : all) {
      at.readers.spawn("waiting", wait_for_one(one, changes));
      co_await end_turn(at.readers.size());
    }
    const auto waiting = (test::heap_in_use() - before) / many;
    std::cout << "bytes per subscriber of an owner of its own: " << bytes << ", and while it waits: " << waiting
              << std::endl;
    EXPECT_LT(bytes, most_bytes);
    EXPECT_LT(waiting, most_bytes_waiting);
    EXPECT_EQ(at.live->watches(), many);
    EXPECT_EQ(at.readers.size(), many);
    // And they are alive.
    for (const char* who : {"0", "77", "9999"}) CO_ASSERT_OK(co_await put(*at.ours, user(who), "b", status::connected));
    CO_ASSERT_TRUE(co_await eventually([&] { return changes == 3; }));
    co_await at.live->close();
    co_await at.readers.join();
    EXPECT_TRUE(all.front()->ended());
  }
  // The heap's own book-keeping may grow a little.
  EXPECT_LT(test::heap_in_use(), before + many * 256);
}
TEST(EventMemory, HoldsTenThousandOwners) { with_scene(ground(kind::memory), one_each); }

asio::awaitable<void> all_of_one(scene& at) {
  const auto who = user("1");
  for (int i = 0; i < 50; ++i) CO_ASSERT_OK(co_await put(*at.ours, who, "s" + std::to_string(i), status::connected));
  const auto first = at.live->subscribe(who);
  CO_ASSERT_TRUE(co_await gets_one(first));
  const auto before = test::heap_in_use();
  std::vector<std::shared_ptr<subscription>> all;
  for (std::size_t i = 0; i < many; ++i) {
    all.push_back(at.live->subscribe(who));
    co_await end_turn(i);
  }
  std::size_t read = 0;
  for (const auto& one : all) {
    CO_ASSERT_TRUE(co_await gets_one(one));
    co_await end_turn(++read);
  }
  const auto bytes = (test::heap_in_use() - before) / many;
  std::cout << "bytes per further subscriber of the same owner, without its reader: " << bytes << std::endl;
  EXPECT_LT(bytes, 256U) << "a place in what they share, whatever there is to read";
  // All that they have not read costs nothing either.
  for (int i = 0; i < 50; ++i) CO_ASSERT_OK(co_await put(*at.ours, who, "s" + std::to_string(i), status::failed));
  const auto last = co_await first->next();
  CO_ASSERT_TRUE(last);
  EXPECT_LT((test::heap_in_use() - before) / many, 256U);
}
TEST(EventMemory, HoldsTenThousandReadersOfOneOwner) { with_scene(ground(kind::memory), all_of_one); }

}  // namespace
}  // namespace mcpstate::service
