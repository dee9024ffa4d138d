// SPDX-License-Identifier: MIT
// What requests may hold together, and what one owner may hold of it.
#include <mcpstate/core/byte_budget.hpp>

#include <gtest/gtest.h>

#include <thread>
#include <utility>
#include <vector>

namespace mcpstate {
namespace {

using reservation = byte_budget::reservation;

TEST(ByteBudget, ReservesUpToItsLimitAndGivesBack) {
  byte_budget budget(100, 100);
  {
    auto most = budget.open("user:a");
    EXPECT_TRUE(most.resize(60));
    auto other = budget.open("user:b");
    EXPECT_FALSE(other.resize(41));
    EXPECT_EQ(budget.used(), 60U) << "what was refused is not counted";
    EXPECT_TRUE(other.resize(40));
    EXPECT_TRUE(most.resize(10)) << "fewer always fit";
    EXPECT_TRUE(other.resize(90));
    EXPECT_FALSE(most.resize(11));
    EXPECT_EQ(most.bytes(), 10U);
  }
  EXPECT_EQ(budget.used(), 0U);
  auto all = budget.open("user:a");
  EXPECT_TRUE(all.resize(100));
  EXPECT_FALSE(all.resize(101));
}

TEST(ByteBudget, GrantsZeroBytesEvenWhenFull) {
  byte_budget budget(10, 10);
  auto everything = budget.open("user:a");
  EXPECT_TRUE(everything.resize(10));
  auto nothing = budget.open("user:a");
  EXPECT_TRUE(nothing.resize(0));
}

TEST(ByteBudget, LeavesRoomForOthersWhenOneOwnerTakesAllItCan) {
  byte_budget budget(100, 25);
  std::vector<reservation> greedy;
  for (int n = 0; n < 50; ++n) static_cast<void>(greedy.emplace_back(budget.open("user:mallory")).resize(5));
  EXPECT_EQ(budget.used(), 25U);
  EXPECT_FALSE(budget.has_room("user:mallory"));
  EXPECT_TRUE(budget.has_room("user:bob"));
  auto others = budget.open("user:bob");
  EXPECT_TRUE(others.resize(25));
  greedy.clear();
  auto again = budget.open("user:mallory");
  EXPECT_TRUE(again.resize(25)) << "the share is free again";
}

TEST(ByteBudget, LetsNobodyGoBeyondTheLimitWithManyOwners) {
  byte_budget budget(100, 25);
  std::vector<reservation> all;
  for (int n = 0; n < 10; ++n) static_cast<void>(all.emplace_back(budget.open("user:" + std::to_string(n))).resize(20));
  EXPECT_EQ(budget.used(), 100U);
  EXPECT_FALSE(budget.has_room("user:11"));
}

TEST(ByteBudget, KnowsWhatCanNeverBeHeld) {
  const byte_budget budget(100, 25);
  EXPECT_TRUE(budget.exceeds_share(26));
  EXPECT_FALSE(budget.exceeds_share(25));
  const byte_budget small(10, 25);
  EXPECT_TRUE(small.exceeds_share(11)) << "nor more than the whole";
}

TEST(ByteBudget, AppliesTheLimitAloneWhereThereIsNoOwner) {
  byte_budget budget(100, 25);
  auto nobodys = budget.open({});
  EXPECT_TRUE(nobodys.resize(100));
  EXPECT_FALSE(nobodys.resize(101));
}

TEST(ByteBudget, CountsWhatIsForced) {
  byte_budget budget(100, 25);
  auto made = budget.open("user:a");
  made.force(300);
  EXPECT_EQ(budget.used(), 300U);
  auto other = budget.open("user:b");
  EXPECT_FALSE(other.resize(1));
  made.release();
  EXPECT_TRUE(other.resize(1));
}

TEST(ByteBudget, FollowsAReservationThatMoves) {
  byte_budget budget(100, 25);
  auto first = budget.open("user:a");
  EXPECT_TRUE(first.resize(20));
  reservation second(std::move(first));
  EXPECT_EQ(budget.used(), 20U);
  reservation third;
  EXPECT_FALSE(third.resize(1)) << "it has no budget";
  third = std::move(second);
  EXPECT_EQ(budget.used(), 20U);
  third = reservation();
  EXPECT_EQ(budget.used(), 0U);
}

TEST(ByteBudget, LosesNoByteWithSeveralThreads) {
  byte_budget budget(1000, 500);
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n) {
    threads.emplace_back([&budget, n] {
      for (int i = 0; i < 2000; ++i) {
        auto one = budget.open("user:" + std::to_string(n % 2));
        static_cast<void>(one.resize(static_cast<std::size_t>(i % 300)));
      }
    });
  }
  for (auto& one : threads) one.join();
  EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace mcpstate
