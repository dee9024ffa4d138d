// SPDX-License-Identifier: MIT
#include "store/rows/steps.hh"

#include <gtest/gtest.h>

#include "row_samples.hh"

namespace mcpstate::test {
namespace {

class RowSteps : public ::testing::Test {
 protected:
  RowSteps() { options_.ttl = 1h; }
  row_steps at(timestamp time) { return row_steps(table_, options_, time); }
  // Writes as store::put does.
  result<connection> put(const owner& account, const std::string& server, status state, timestamp time = now) {
    change update(account, server_name::parse(server).value(), state);
    return put(std::move(update), time);
  }
  result<connection> put(change update, timestamp time = now) {
    const auto before = at(time).get(update.owner(), update.member(), tools_wanted::no).value();
    if (!update.expected()) update.based_on(before ? before->seen : basis());
    const auto decided = at(time).decide(update, update.apply_to(before, time));
    if (!decided) return decided.error();
    return at(time).write(update.owner(), *decided);
  }
  std::vector<std::string> names(const owner& account, timestamp time = now) {
    std::vector<std::string> out;
    for (const auto& record : at(time).list(account, tools_wanted::no).value()) out.push_back(record.server);
    return out;
  }
  map_table table_;
  store_options options_;
};

using texts = std::vector<std::string>;

}  // namespace

TEST_F(RowSteps, AnswerAWriteWithTheRecordThatAReadFinds) {
  const auto written = put(user(), "github", status::connected);
  ASSERT_TRUE(written);
  const auto read = at(now).get(user(), "github", tools_wanted::no).value();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->revision, written->revision);
  EXPECT_EQ(read->seen, written->seen);
  EXPECT_EQ(read->expires_at, now + 1h);
}

TEST_F(RowSteps, ListByNameWithoutExpiredRecords) {
  ASSERT_TRUE(put(user(), "z", status::failed));
  ASSERT_TRUE(put(user(), "old", status::connected, now - 1h));
  ASSERT_TRUE(put(user(), "a", status::connected));
  ASSERT_TRUE(put(session(), "b", status::connected));
  EXPECT_EQ(names(user()), (texts{"a", "z"}));
  EXPECT_FALSE(*at(now).get(user(), "old", tools_wanted::no));
}

TEST_F(RowSteps, RenewAndCountOneRecordOrAllOnTouch) {
  ASSERT_TRUE(put(user(), "a", status::connected));
  ASSERT_TRUE(put(user(), "b", status::failed));
  ASSERT_TRUE(put(user(), "old", status::connected, now - 1h));
  EXPECT_EQ(*at(now + 30min).touch(user(), "a"), 1u);
  EXPECT_EQ(names(user(), now + 1h), texts{"a"});
  EXPECT_EQ(*at(now + 30min).touch(user(), std::nullopt), 2u);
  EXPECT_EQ(names(user(), now + 1h), (texts{"a", "b"}));
  EXPECT_EQ(*at(now).touch(user(), "unknown"), 0u);
  EXPECT_EQ(*at(now).touch(user(), "old"), 0u) << "an expired record is not revived";
}

TEST_F(RowSteps, CountOnlyChangedRecordsInADisconnectOfAll) {
  ASSERT_TRUE(put(user(), "a", status::connected));
  ASSERT_TRUE(put(user(), "b", status::failed));
  ASSERT_TRUE(put(user(), "c", status::disconnected));
  EXPECT_EQ(*at(now).disconnect_all(user()), 2u);
  EXPECT_EQ(*at(now).disconnect_all(user()), 0u);
  EXPECT_EQ(names(user()).size(), 3u) << "the records stay until they expire";
}

TEST_F(RowSteps, GrowRevisionsOverAnErase) {
  const auto first = put(user(), "a", status::connected);
  EXPECT_EQ(*at(now).erase(user()), 1u);
  EXPECT_TRUE(names(user()).empty());
  const auto second = put(user(), "a", status::connected, now - 10s);
  EXPECT_GT(second->revision, first->revision) << "although the clock was set back";
}

TEST_F(RowSteps, EndTheLeasesOfAnErasedOwner) {
  lease_steps leases(table_.leases(), 1h, now);
  const managed_name erased(user(), github()), other(session(), github());
  ASSERT_TRUE(*leases.take(erased, "a", "", 15s));
  ASSERT_TRUE(*leases.take(other, "a", "", 15s));
  ASSERT_TRUE(at(now).erase(user()));
  EXPECT_FALSE(*leases.lease_of(erased));
  EXPECT_TRUE(*leases.lease_of(other));
}

TEST_F(RowSteps, RefuseAWriteUnderALeaseWithoutIt) {
  const managed_name name(user(), github());
  lease_steps leases(table_.leases(), 1h, now);
  const auto granted = leases.take(name, "a", "", 15s)->value();
  change update(user(), github(), status::connected);
  update.require_lease(granted);
  ASSERT_TRUE(put(update, now + 14s));
  const auto refused = put(update, now + 15s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::lease_lost);
}

TEST_F(RowSteps, HandOverALeaseThatEndsForAnOlderRevision) {
  const managed_name name(user(), github());
  lease_steps leases(table_.leases(), 1h, now);
  const auto first = put(user(), "github", status::disconnected);
  const auto granted = leases.take(name, "a", "", 15s)->value();
  ASSERT_TRUE(put(user(), "github", status::connecting)) << "somebody orders the connection again";
  ASSERT_TRUE(at(now).end_lease(granted, lease_end::over, first->revision));
  instance_report report;
  report.name = "b";
  EXPECT_EQ(leases.beat(report, 1s)->unheld, std::vector<managed_name>{name}) << "the order waits for an instance";
}

TEST_F(RowSteps, EndALeaseThatIsOverForThisRevision) {
  const managed_name name(user(), github());
  lease_steps leases(table_.leases(), 1h, now);
  const auto written = put(user(), "github", status::disconnected);
  const auto granted = leases.take(name, "a", "", 15s)->value();
  ASSERT_TRUE(at(now).end_lease(granted, lease_end::over, written->revision));
  instance_report report;
  report.name = "b";
  EXPECT_EQ(leases.beat(report, 1s)->managed, 0u);
}

TEST_F(RowSteps, MoveRecordsOnClaimButKeepTheUsersConnectedOnes) {
  ASSERT_TRUE(put(session(), "moved", status::connected));
  ASSERT_TRUE(put(session(), "both", status::connected));
  ASSERT_TRUE(put(session(), "old", status::connected, now - 1h));
  ASSERT_TRUE(put(user(), "both", status::connected));
  const auto claimed = at(now).claim(session(), user());
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->moved, texts{"moved"});
  EXPECT_EQ(claimed->kept, texts{"both"});
  EXPECT_EQ(names(user()), (texts{"both", "moved"}));
  EXPECT_TRUE(names(session()).empty());
  const auto again = at(now).claim(session(), user());
  EXPECT_TRUE(again->moved.empty() && again->kept.empty()) << "a claim can be repeated";
}

}  // namespace mcpstate::test
