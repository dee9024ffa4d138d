// SPDX-License-Identifier: MIT
#include "service/server/frame_rooms.hh"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace mcpstate::service {
namespace {

frame frame_of(std::size_t bytes) { return std::make_shared<const std::string>(bytes, 'x'); }

TEST(FrameRooms, CountAFrameOnceHoweverManyStreamsSendIt) {
  byte_budget budget(1000, 1000);
  frame_rooms rooms(budget);
  const frame shared = frame_of(600);
  auto first = rooms.take("user:a", shared);
  auto second = rooms.take("user:a", shared);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(budget.used(), 600U);
  first.reset();
  EXPECT_EQ(budget.used(), 600U) << "the other stream still sends it";
  second.reset();
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_TRUE(rooms.take("user:a", shared));
  EXPECT_EQ(budget.used(), 0U) << "nobody has the room any more";
}

TEST(FrameRooms, RefuseAnotherFrameThatFindsNoRoom) {
  byte_budget budget(1000, 700);
  frame_rooms rooms(budget);
  const frame one = frame_of(600), other = frame_of(600), small = frame_of(400);
  const auto first = rooms.take("user:a", one);
  ASSERT_TRUE(first);
  EXPECT_FALSE(rooms.take("user:a", other)) << "more than the share";
  EXPECT_FALSE(rooms.take("user:b", other)) << "more than the limit";
  EXPECT_TRUE(rooms.take("user:b", small));
  EXPECT_TRUE(rooms.take("user:a", one));
}

}  // namespace
}  // namespace mcpstate::service
