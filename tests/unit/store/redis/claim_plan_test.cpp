// SPDX-License-Identifier: MIT
#include "store/redis/cluster/claim_plan.hh"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace mcpstate {
namespace {

using step = claimed_member::step;

std::optional<connection> record(const owner& account, std::uint64_t revision, status state) {
  connection out(account, "github");
  out.revision = revision;
  out.state = state;
  return out;
}

step planned(std::optional<connection> at_session, std::optional<connection> at_user, const std::string& noted = {}) {
  claimed_member one;
  one.session_record = std::move(at_session);
  one.user_record = std::move(at_user);
  one.noted = read_noted(noted);
  plan_member(one);
  return one.what;
}

const owner visitor = owner::session("9fK").value(), member = owner::user("42").value();

TEST(ClaimPlan, FollowsTheRuleOfClaimsWhereNothingWasCopied) {
  const auto ours = record(visitor, 7, status::connected);
  EXPECT_EQ(planned(ours, std::nullopt), step::move);
  EXPECT_EQ(planned(ours, record(member, 9, status::failed)), step::move);
  EXPECT_EQ(planned(ours, record(member, 9, status::connected)), step::keep);
  EXPECT_EQ(planned(std::nullopt, record(member, 9, status::connected)), step::keep);
  EXPECT_EQ(planned(std::nullopt, std::nullopt), step::keep);
}

TEST(ClaimPlan, CopiesNoRecordTwice) {
  const auto ours = record(visitor, 7, status::connected);
  EXPECT_EQ(planned(ours, record(member, 9, status::connected), "7 9"), step::copied);
  EXPECT_EQ(planned(ours, record(member, 12, status::disconnected), "7 9"), step::copied) << "the user has ended it since";
  EXPECT_EQ(planned(ours, std::nullopt, "7 9"), step::copied) << "the user has cleared it since";
}

TEST(ClaimPlan, CopiesARecordAgainThatHasChangedAtTheSession) {
  const auto newer = record(visitor, 8, status::disconnected);
  EXPECT_EQ(planned(newer, record(member, 9, status::connected), "7 9"), step::move) << "the user has only the older copy";
  EXPECT_EQ(planned(newer, record(member, 10, status::connected), "7 9"), step::keep) << "the user has changed it, too";
  EXPECT_EQ(planned(newer, record(member, 10, status::failed), "7 9"), step::move);
}

TEST(ClaimPlan, ReadsOnlyWhatTheScriptWrites) {
  const auto noted = read_noted("17 9007199254740991");
  ASSERT_TRUE(noted);
  EXPECT_EQ(noted->session, 17u);
  EXPECT_EQ(noted->user, 9007199254740991u);
  for (const char* junk : {"", "7", "7 ", " 9", "7 x", "-7 9", "7 9 1"}) EXPECT_FALSE(read_noted(junk)) << junk;
}

}  // namespace
}  // namespace mcpstate
