// SPDX-License-Identifier: MIT
#include "store/rows/lease_steps.hh"

#include <gtest/gtest.h>

#include "row_samples.hh"
#include "store/rows/lease_rule.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate::test {
namespace {

const managed_name name(user(), github());

class LeaseSteps : public ::testing::Test {
 protected:
  lease_steps at(timestamp time) { return lease_steps(table_, 1h, time); }
  std::optional<lease> take(const std::string& holder, timestamp time, const std::string& registered = {}) {
    return at(time).take(name, holder, registered, 15s).value();
  }
  std::vector<managed_name> waiting(timestamp time) { return at(time).beat(report("observer"), 1s)->unheld; }
  static instance_report report(const std::string& instance) {
    instance_report out;
    out.name = instance;
    return out;
  }
  memory_leases table_;
};

}  // namespace

TEST_F(LeaseSteps, RefuseALeaseThatAnotherHolderHas) {
  ASSERT_TRUE(take("a", now));
  EXPECT_FALSE(take("b", now + 15s - 1ms));
  EXPECT_TRUE(take("b", now + 15s)) << "it has run out";
}

TEST_F(LeaseSteps, RenewUnderTheSameNumberForTheSameHolder) {
  const auto first = take("a", now);
  EXPECT_EQ(take("a", now + 10s), first);
  EXPECT_FALSE(take("b", now + 20s)) << "it runs for 15 s since the second time";
}

TEST_F(LeaseSteps, NeverGiveANumberTwice) {
  const auto first = take("a", now);
  EXPECT_EQ(first->number, now_in_microseconds);
  ASSERT_TRUE(at(now).end(*first, lease_end::over));
  const auto clock_set_back = take("b", now - 1h);
  EXPECT_EQ(clock_set_back->number, first->number + 1);
}

TEST_F(LeaseSteps, RefuseAnExpiredOrForeignLease) {
  const auto first = *take("a", now);
  EXPECT_TRUE(at(now + 14s).expect(first));
  EXPECT_EQ(at(now + 15s).expect(first).error().code(), errc::lease_lost);
  const auto second = *take("b", now + 15s);
  EXPECT_EQ(at(now + 16s).expect(first).error().code(), errc::lease_lost);
  EXPECT_TRUE(at(now + 16s).expect(second));
  EXPECT_EQ(at(now + 16s).expect(lease(name, "b", second.number + 1)).error().code(), errc::lease_lost);
}

TEST_F(LeaseSteps, ReportLostLeasesAndExtendTheOthersOnRenewal) {
  const auto first = *take("a", now);
  const lease unknown(managed_name(session(), github()), "a", 1);
  const auto lost = at(now + 10s).renew({first, unknown}, 15s);
  EXPECT_EQ(*lost, std::vector<lease>{unknown});
  EXPECT_TRUE(at(now + 24s).expect(first));
  EXPECT_EQ(*at(now + 30s).renew({first}, 15s), std::vector<lease>{first}) << "a lease that ran out is not revived";
}

TEST_F(LeaseSteps, OfferAHandedOverConnectionToTheNextHolder) {
  const auto first = *take("a", now);
  EXPECT_TRUE(waiting(now).empty());
  ASSERT_TRUE(at(now).end(first, lease_end::hand_over));
  EXPECT_EQ(waiting(now), std::vector<managed_name>{name});
  EXPECT_FALSE(*at(now).lease_of(name));
  EXPECT_TRUE(take("b", now));
  EXPECT_TRUE(waiting(now).empty());
}

TEST_F(LeaseSteps, ForgetAConnectionThatIsOver) {
  const auto first = *take("a", now);
  ASSERT_TRUE(at(now).end(first, lease_end::over));
  const auto all = at(now).beat(report("a"), 1s);
  EXPECT_EQ(all->managed, 0u);
  EXPECT_TRUE(all->unheld.empty());
}

TEST_F(LeaseSteps, IgnoreTheEndOfALostLease) {
  const auto first = *take("a", now);
  const auto second = *take("b", now + 15s);
  EXPECT_TRUE(at(now + 16s).end(first, lease_end::over));
  EXPECT_TRUE(at(now + 16s).expect(second));
}

TEST_F(LeaseSteps, ForgetAConnectionWithoutAHolderAfterTheTtl) {
  ASSERT_TRUE(take("a", now));
  EXPECT_EQ(waiting(now + 15s + 1h - 1ms).size(), 1u);
  EXPECT_TRUE(waiting(now + 15s + 1h).empty());
}

TEST_F(LeaseSteps, ListReportsByNameUntilTheyRunOut) {
  ASSERT_TRUE(at(now).beat(report("b"), 10s));
  const auto both = at(now + 1s).beat(report("a"), 10s);
  ASSERT_EQ(both->instances.size(), 2u);
  EXPECT_EQ(both->instances[0].name, "a");
  EXPECT_EQ(both->instances[1].name, "b");
  EXPECT_EQ(at(now + 10s).beat(report("a"), 10s)->instances.size(), 1u) << "b has not reported again";
  EXPECT_TRUE(at(now + 10s).beat(report("a"), 0s)->instances.empty()) << "time 0: the instance leaves";
}

TEST_F(LeaseSteps, ListOneRegisteredServerInPages) {
  for (int n = 0; n < 300; ++n) {
    const managed_name each(owner::user(std::to_string(n)).value(), github());
    ASSERT_TRUE(at(now).take(each, "a", n % 100 == 99 ? "other" : "github", 15s));
  }
  const auto first = at(now).managed_of("github", "");
  ASSERT_EQ(first->names.size(), 256u);
  const auto rest = at(now).managed_of("github", first->cursor);
  EXPECT_EQ(first->names.size() + rest->names.size(), 297u);
  EXPECT_TRUE(rest->cursor.empty());
  EXPECT_LT(first->names.back(), rest->names.front());
  EXPECT_EQ(at(now).managed_of("github", "nonsense").error().code(), errc::bad_argument);
}

TEST(ManagedText, IsReadBackAndKeepsOddNamesApart) {
  for (const char* id : {"42", "a:b", "ü %"}) {
    for (const auto& account : {owner::user(id).value(), owner::session(id).value()}) {
      const managed_name each(account, server_name::parse("git:hub").value());
      EXPECT_EQ(managed_from_text(to_text(each)), each) << to_text(each);
    }
  }
  EXPECT_EQ(to_text(name), "user:42:github");
  for (const char* wrong : {"", "user", "user:42", "group:42:github", "user::github", "user:42:", "user:%zz:github"})
    EXPECT_FALSE(managed_from_text(wrong)) << wrong;
}

TEST(LeaseRule, NamesTheConnectionInAConflict) {
  const auto lost = lease_is_lost(name);
  EXPECT_TRUE(lost.is(cond::conflict));
  EXPECT_TRUE(lost.detail().starts_with("user:42 github")) << lost.detail();
}

}  // namespace mcpstate::test
