// SPDX-License-Identifier: MIT
#include "store/rows/row.hh"

#include <gtest/gtest.h>

#include "row_samples.hh"

namespace mcpstate::test {
namespace {

constexpr const char* two_tools = R"([{"name":"a"},{"name":"b"}])";

result<row_write> put(const std::optional<row>& stored, const change& update, const row_clock& clock) {
  const auto before = stored ? read_row(user(), *stored, tools_wanted::no) : std::nullopt;
  return decide_put(stored, update, update.apply_to(before, clock.now), clock);
}

change update_of(const row& stored, status state) {
  return change(read_row(user(), stored, tools_wanted::no).value(), state);
}

}  // namespace

TEST(DecidePut, MakesAReadableRowOnTheFirstWrite) {
  const auto stored = row_of(status::connected, now, two_tools);
  EXPECT_EQ(stored.member, "github");
  EXPECT_EQ(stored.status, "CONNECTED");
  EXPECT_EQ(stored.revision, now_in_microseconds) << "a first revision is the clock in microseconds";
  EXPECT_EQ(stored.expires_at, now + 1h);
  const auto read = read_row(user(), stored, tools_wanted::yes);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->problems.empty());
  EXPECT_EQ(read->info.tool_count, 2u);
  EXPECT_EQ(*read->tools, two_tools);
}

TEST(DecidePut, GrowsTheRevisionEvenIfTheClockGoesBack) {
  const auto stored = row_of(status::connected);
  const auto written = put(stored, update_of(stored, status::failed), clock_at(now - 10s));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->after.revision, stored.revision + 1);
}

TEST(DecidePut, GrowsTheRevisionBeyondEveryRemovedRow) {
  const change update = change(user(), github(), status::connected).based_on(basis());
  const auto written = put(std::nullopt, update, clock_at(now, now_in_microseconds + 5));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->after.revision, now_in_microseconds + 6);
}

// 2^53, the largest that a file holds, and -5 as it is read.
constexpr std::uint64_t unreadable_revisions[] = {max_revision + 1, 0x7fffffffffffffff, static_cast<std::uint64_t>(-5)};

TEST(DecidePut, BeginsARevisionThatCannotBeReadAnew) {
  for (const auto revision : unreadable_revisions) {
    auto stored = row_of(status::connected);
    stored.revision = revision;
    const auto read = read_row(user(), stored, tools_wanted::no);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->revision, 0u);
    const auto written = put(stored, update_of(stored, status::failed), clock_at(now));
    ASSERT_TRUE(written) << revision;
    EXPECT_EQ(written->after.revision, now_in_microseconds);
    ASSERT_TRUE(decide_disconnect(user(), stored, clock_at(now))) << revision;
  }
}

TEST(DecidePut, NeverWritesARevisionThatCannotBeRead) {
  for (const auto revision : {max_revision - 1, max_revision}) {
    auto stored = row_of(status::connected);
    stored.revision = revision;
    for (int i = 0; i < 3; ++i) {
      const auto written = put(stored, update_of(stored, status::failed), clock_at(now));
      ASSERT_TRUE(written);
      EXPECT_LE(written->after.revision, max_revision);
      stored = written->after;
    }
  }
  const change update = change(user(), github(), status::connected).based_on(basis());
  for (const auto floor : unreadable_revisions) {
    const auto written = put(std::nullopt, update, clock_at(now, floor));
    ASSERT_TRUE(written);
    EXPECT_EQ(written->after.revision, now_in_microseconds) << "the revision of a removed row, as junk";
  }
}

TEST(DecidePut, WritesOverAStatusThatIsUnknown) {
  for (const std::string& text : {std::string("up"), std::string(), std::string(1 << 20, 'x')}) {
    auto stored = row_of(status::connected);
    stored.status = text;
    const auto read = read_row(user(), stored, tools_wanted::no);
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->state);
    EXPECT_EQ(read->info.error->code, "junk_record");
    EXPECT_TRUE(put(stored, update_of(stored, status::failed), clock_at(now)));
    const auto down = decide_disconnect(user(), stored, clock_at(now));
    ASSERT_TRUE(down);
    EXPECT_EQ(down->after.status, "DISCONNECTED");
  }
}

TEST(DecidePut, RefusesABasisThatNoLongerHolds) {
  const auto stored = row_of(status::connected);
  auto later = stored;
  ++later.revision;
  auto foreign = stored;
  foreign.status = "FAILED";
  const auto update = update_of(stored, status::failed);
  EXPECT_TRUE(put(stored, update, clock_at(now)));
  for (const auto& changed : {later, foreign}) {
    const auto refused = put(changed, update, clock_at(now));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), errc::stale_basis);
  }
  EXPECT_FALSE(put(std::nullopt, update, clock_at(now))) << "the record is gone";
}

TEST(DecidePut, TakesAnExpiredRowForAbsentButFollowsItsRevision) {
  const auto stored = row_of(status::connected, now, two_tools);
  const auto after_expiry = stored.expires_at;
  const change update = change(user(), github(), status::failed).based_on(basis());
  const auto written = decide_put(stored, update, update.apply_to(std::nullopt, after_expiry), clock_at(after_expiry));
  ASSERT_TRUE(written);
  EXPECT_GT(written->after.revision, stored.revision);
  EXPECT_EQ(written->tools, tools_write::drop) << "the tools of an expired row are gone";
  EXPECT_EQ(put(stored, update_of(stored, status::failed), clock_at(after_expiry)).error().code(), errc::stale_basis);
}

TEST(DecidePut, ReplacesGoodToolsByAnEmptyListOnlyIfAllowed) {
  const auto stored = row_of(status::connected, now, two_tools);
  auto update = update_of(stored, status::connected);
  update.tools(tools_list::parse("[]").value());
  EXPECT_EQ(put(stored, update, clock_at(now)).error().code(), errc::empty_tools);
  auto without_tools = stored;
  without_tools.tools = std::make_shared<const std::string>(" [ ] ");
  EXPECT_TRUE(put(without_tools, update, clock_at(now))) << "there is no good list to lose";
  update.allow_empty_tools();
  const auto written = put(stored, update, clock_at(now));
  ASSERT_TRUE(written);
  EXPECT_EQ(*written->after.tools, "[]");
}

TEST(DecidePut, KeepsToolsOnFailureAndDropsThemOnDisconnect) {
  const auto stored = row_of(status::connected, now, two_tools);
  EXPECT_EQ(put(stored, update_of(stored, status::failed), clock_at(now))->tools, tools_write::keep);
  EXPECT_EQ(put(stored, update_of(stored, status::disconnected), clock_at(now))->tools, tools_write::drop);
}

TEST(DecidePut, KeepsTheExpiryOnACheck) {
  const auto stored = row_of(status::connected);
  const auto later = clock_at(now + 10min);
  EXPECT_EQ(put(stored, update_of(stored, status::connected), later)->after.expires_at, now + 70min);
  auto check = update_of(stored, status::connected);
  check.keep_expiry();
  EXPECT_EQ(put(stored, check, later)->after.expires_at, stored.expires_at);
  check.based_on(basis());
  EXPECT_EQ(put(std::nullopt, check, later)->after.expires_at, now + 70min) << "a new record expires as usual";
}

TEST(DecidePut, TakesTheLatestExpiryFromTheFirstWriter) {
  auto limited = clock_at(now);
  limited.max_lifetime = 90min;
  const change first = change(user(), github(), status::connected).based_on(basis());
  const auto stored = put(std::nullopt, first, limited)->after;
  EXPECT_EQ(stored.expires_latest, now + 90min);
  const auto unlimited = clock_at(now + 1h - 1s);
  const auto written = put(stored, update_of(stored, status::connected), unlimited)->after;
  EXPECT_EQ(written.expires_latest, now + 90min);
  EXPECT_EQ(written.expires_at, now + 90min) << "a writer without a limit does not exceed it";
}

TEST(DecideTouch, RenewsTheExpiryAndNothingElse) {
  const auto stored = row_of(status::failed);
  const auto touched = decide_touch(stored, clock_at(now + 30min));
  EXPECT_EQ(touched.after.expires_at, now + 90min);
  EXPECT_EQ(touched.after.revision, stored.revision);
  EXPECT_EQ(touched.after.info_tail, stored.info_tail);
  EXPECT_EQ(touched.tools, tools_write::keep);
}

TEST(DecideTouch, NeverShortensTheExpiry) {
  const auto stored = row_of(status::connected);
  auto shorter = clock_at(now + 1min);
  shorter.ttl = 1min;
  EXPECT_EQ(decide_touch(stored, shorter).after.expires_at, stored.expires_at);
  auto limited = stored;
  limited.expires_latest = now + 5min;
  EXPECT_EQ(decide_touch(limited, shorter).after.expires_at, now + 5min) << "only the absolute limit does";
}

TEST(DecideDisconnect, IsAbsentForADisconnectedRow) {
  const auto written = decide_disconnect(user(), row_of(status::connected, now, two_tools), clock_at(now));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->after.status, "DISCONNECTED");
  EXPECT_FALSE(written->after.connected_at);
  EXPECT_EQ(written->tools, tools_write::drop);
  EXPECT_FALSE(decide_disconnect(user(), written->after, clock_at(now)));
}

TEST(DecideClaim, PrefersTheUsersRowOnlyWhileConnected) {
  const auto of_session = row_of(status::failed);
  EXPECT_FALSE(decide_claim(of_session, row_of(status::connected), clock_at(now)));
  for (const auto state : {status::disconnected, status::failed, status::connecting, status::auth_required})
    EXPECT_TRUE(decide_claim(of_session, row_of(state), clock_at(now))) << to_text(state);
  EXPECT_TRUE(decide_claim(of_session, std::nullopt, clock_at(now)));
  auto expired_row = row_of(status::connected);
  expired_row.expires_at = now;
  EXPECT_TRUE(decide_claim(of_session, expired_row, clock_at(now))) << "an expired row counts as absent";
}

TEST(DecideClaim, MovesTheToolsAndGivesALargerRevisionThanBothRows) {
  const auto of_session = row_of(status::connected, now, two_tools);
  auto of_user = row_of(status::failed);
  of_user.revision = of_session.revision + 100;
  const auto written = decide_claim(of_session, of_user, clock_at(now));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->after.revision, of_session.revision + 101);
  EXPECT_EQ(written->after.status, "CONNECTED");
  EXPECT_EQ(written->tools, tools_write::replace);
  EXPECT_EQ(decide_claim(row_of(status::failed), of_user, clock_at(now))->tools, tools_write::drop)
      << "the user's old tools do not stay beside the session's record";
}

TEST(HoldsTools, KnowsAListWithAToolFromOneWithout) {
  EXPECT_TRUE(holds_tools(R"([{"name":"a"}])"));
  EXPECT_TRUE(holds_tools(" \t\r\n[ 1"));
  for (const char* none : {"", "[]", " [ \n ] ", "{}", "null", "["}) EXPECT_FALSE(holds_tools(none)) << none;
}

}  // namespace mcpstate::test
