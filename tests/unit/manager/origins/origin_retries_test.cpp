// SPDX-License-Identifier: MIT
#include "manager/origins/origin_retries.hh"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace mcpstate {
namespace {

class OriginRetries : public testing::Test {
 protected:
  void wait(const std::string& origin, const std::string& owner, const std::string& name) {
    waiting.push_back(
        std::make_unique<origin_retries::entry>(retries, origin, owner, [this, name] { called += name + " "; }));
  }
  origin_retries retries;
  std::vector<std::unique_ptr<origin_retries::entry>> waiting;
  std::string called;
};

TEST_F(OriginRetries, CallNoMoreThanTheyAreAskedTo) {
  for (const char* name : {"1", "2", "3"}) wait("x", "a", name);
  wait("y", "a", "other");
  retries.retry_waiting("x", 2);
  EXPECT_EQ(called, "1 2 ");
  EXPECT_EQ(retries.size("x"), 1U);
  retries.retry_waiting("x", 5);
  EXPECT_EQ(called, "1 2 3 ");
  retries.retry_waiting("x", 5);
  retries.retry_waiting("nobody", 5);
  EXPECT_EQ(called, "1 2 3 ");
  EXPECT_EQ(retries.size("y"), 1U);
}

TEST_F(OriginRetries, NeverLetOneOwnerGoBeforeAllOthers) {
  for (const char* name : {"a1", "a2", "a3", "a4"}) wait("x", "a", name);
  wait("x", "b", "b1");
  wait("x", "c", "c1");
  retries.retry_waiting("x", 2);
  EXPECT_EQ(called, "a1 b1 ");
  retries.retry_waiting("x", 3);
  EXPECT_EQ(called, "a1 b1 c1 a2 a3 ");
}

TEST_F(OriginRetries, ForgetWhoIsGone) {
  for (const char* name : {"1", "2", "3"}) wait("x", "a", name);
  waiting.erase(waiting.begin());
  EXPECT_EQ(retries.size("x"), 2U);
  retries.retry_waiting("x", 1);
  EXPECT_EQ(called, "2 ");
  waiting.clear();
  EXPECT_EQ(retries.size("x"), 0U);
  retries.retry_waiting("x", 1);
  EXPECT_EQ(called, "2 ");
}

TEST_F(OriginRetries, BearAnEntryThatEndsWhileItIsCalled) {
  wait("x", "b", "b1");
  std::unique_ptr<origin_retries::entry> self;
  self = std::make_unique<origin_retries::entry>(retries, "x", "a", [&] {
    self.reset();
    called += "a ";
  });
  retries.retry_waiting("x", 2);
  EXPECT_EQ(called, "a b1 ");
}

}  // namespace
}  // namespace mcpstate
