// SPDX-License-Identifier: MIT
// What the log of changes takes for one record, and for one line of revisions.
#include <gtest/gtest.h>

#include "unit/store/watch/change_log_scene.hh"

namespace mcpstate::test {

// What stood there was no revision, or the last that there can be.
TEST(ChangeLog, ResyncsWhenTheRevisionsOfARecordBeginAnew) {
  log_scene at;
  change_log::reader anew(bounded(10));
  at.join(anew);
  EXPECT_EQ(at.list(records({{"a", 900}, {"b", 1}})), "+a900 +b1");
  EXPECT_EQ(at.read(anew), "+a900 +b1 ready");
  EXPECT_EQ(at.list(records({{"a", 5}, {"b", 1}})), "resync +a5");
  EXPECT_EQ(at.read(anew), "resync +b1 +a5 ready") << "a snapshot, to who wants one";
  EXPECT_EQ(at.list(records({{"a", 6}, {"b", 1}})), "+a6");
  EXPECT_EQ(at.list(records({{"a", 0}, {"b", 1}})), "+a0") << "another program wrote, or the revision cannot be read";
  EXPECT_EQ(at.list(records({{"a", 7}, {"b", 1}})), "+a7");
  EXPECT_EQ(at.list(records({{"a", 0}, {"b", 1}})), "+a0");
  EXPECT_EQ(at.list(records({{"a", 3}, {"b", 1}})), "resync +a3") << "lower than the last that was told";
  EXPECT_EQ(at.list(records({{"b", 1}})), "-a");
  EXPECT_EQ(at.list(records({{"a", 2}, {"b", 1}})), "+a2") << "it was gone in between";
}

TEST(ChangeLog, KeepsTwoMembersApartThatLookTheSame) {
  log_scene at;
  auto ours = record("a:b", 1), foreign = record("a:b", 2);
  ours.member = "a%3Ab";
  foreign.member = "a:b";
  EXPECT_EQ(at.list({ours, foreign}), "+a:b1 +a:b2");
  EXPECT_EQ(at.list({ours, foreign}), "");
  foreign.revision = 3;
  EXPECT_EQ(at.list({ours, foreign}), "+a:b3");
  change_log::reader reader{watch_options()};
  at.join(reader);
  EXPECT_EQ(at.list({ours}), "-a:b");
  EXPECT_EQ(at.read(reader), "+a:b1 ready");
}

}  // namespace mcpstate::test
