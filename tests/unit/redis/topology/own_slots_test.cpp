// SPDX-License-Identifier: MIT
#include "redis/topology/own_slots.hh"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "redis/topology/slot.hh"

namespace mcpstate::redis {
namespace {

const std::string id(40, 'a'), other(40, 'b');

std::string nodes_text(const std::string& own_slots) {
  return other + " 127.0.0.1:7001@17001 master - 0 1700000000000 2 connected 5461-10922\n" + id +
         " 127.0.0.1:7000@17000,host.example myself,master - 0 0 1 connected" + own_slots + "\n";
}

TEST(OwnSlots, ReadsTheLineOfTheNodeThatAnswered) {
  const auto got = read_own_slots(nodes_text(" 0-5459 7 [93->-" + other + "] [77-<-" + other + "]"));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->id, id);
  EXPECT_EQ(got->owned, (std::vector<slot_range>{{0, 5459}, {7, 7}}));
  EXPECT_EQ(got->leaving, std::vector<std::uint16_t>{93});
}

TEST(OwnSlots, RefusesWhatItCannotUnderstand) {
  EXPECT_FALSE(read_own_slots(""));
  EXPECT_FALSE(read_own_slots(other + " 127.0.0.1:7001@17001 master - 0 1 2 connected 5461-10922\n")) << "nobody is myself";
  for (const char* slots : {" 1-x", " x", " 16384", " 5-4", " [x->-1]", " [7"}) {
    EXPECT_FALSE(read_own_slots(nodes_text(slots))) << slots;
  }
}

TEST(OwnSlots, FindsSlotsThatWereLostOrAreLeaving) {
  const auto got = read_own_slots(nodes_text(" 0-9 12-13 [3->-" + other + "]"));
  ASSERT_TRUE(got);
  const std::vector<slot_range> begun{{0, 4}, {9, 12}};
  EXPECT_EQ(missing_slots(begun, *got), (std::vector<std::uint16_t>{3, 10, 11}));
}

TEST(OwnSlots, HasATagForEverySlot) {
  std::set<std::string> tags;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    const std::string& tag = tag_of_slot(slot);
    ASSERT_EQ(slot_of("mcp:{" + tag + "}:managed"), slot);
    ASSERT_LE(tag.size(), 4u);
    tags.insert(tag);
  }
  EXPECT_EQ(tags.size(), slot_count);
  EXPECT_EQ(tag_of_slot(9842), "1");
  EXPECT_EQ(tag_of_slot(0), "1bz");
}

}  // namespace
}  // namespace mcpstate::redis
