// SPDX-License-Identifier: MIT
#include "manager/fleet/fleet_rules.hh"

#include <gtest/gtest.h>

#include <mcpstate/manager/options.hpp>

namespace mcpstate {
namespace {

instance_report one(const std::string& name, const std::string& reach, std::uint64_t kept = 0) {
  instance_report out;
  out.name = name;
  out.reach = reach;
  out.managed = kept;
  return out;
}

// Of a fleet whose processes all reach the same.
std::size_t share(std::uint64_t managed, int instances) {
  fleet all;
  all.managed = managed;
  for (int i = 0; i < instances; ++i) all.instances.push_back(one(std::to_string(i), "r"));
  return fair_share(all, one("0", "r"));
}

TEST(FleetRules, RoundSharesUpSoThatTheyCoverEverything) {
  EXPECT_EQ(share(0, 3), 0U);
  EXPECT_EQ(share(1, 3), 1U);
  EXPECT_EQ(share(9, 3), 3U);
  EXPECT_EQ(share(10, 3), 4U);
  EXPECT_EQ(share(10, 0), 10U);  // nobody has reported yet
}

TEST(FleetRules, ShareTheRestAmongInstancesThatReachTheSame) {
  fleet all;
  all.managed = 100;
  all.instances = {one("a", "x", 30), one("b", "x", 10), one("c", "y", 60)};
  EXPECT_EQ(fair_share(all, one("a", "x")), 20U);
  EXPECT_EQ(fair_share(all, one("c", "y")), 60U);
  EXPECT_EQ(other_reaches(all, one("a", "x")), std::set<std::string>{"y"});
  // What this one said at its last beat is not another.
  EXPECT_EQ(fair_share(all, one("a", "z")), 30U);
  EXPECT_EQ(other_reaches(all, one("c", "z")), std::set<std::string>{"x"});
  // A report may be older than the count.
  all.managed = 50;
  EXPECT_EQ(fair_share(all, one("a", "x")), 0U);
}

TEST(FleetRules, TolerateALittleMoreThanTheShare) {
  EXPECT_EQ(surplus(0, 0), 0U);
  EXPECT_EQ(surplus(1, 0), 0U);
  EXPECT_EQ(surplus(2, 0), 2U);
  EXPECT_EQ(surplus(111, 100), 0U);
  EXPECT_EQ(surplus(112, 100), 7U);
  EXPECT_EQ(surplus(1000, 500), 62U);
  EXPECT_EQ(surplus(5, 100), 0U);
}

// Two of them, one of which has everything: they end within the tolerance, in few steps, and nothing goes back and forth.
TEST(FleetRules, GiveASecondInstanceItsHalf) {
  for (const std::size_t all : {4U, 10U, 1000U, 20000U}) {
    std::size_t first = all, second = 0;
    const std::size_t fair = share(all, 2);
    int steps = 0;
    for (; surplus(first, fair) > 0; ++steps) {
      const std::size_t moved = surplus(first, fair);
      first -= moved;
      second += moved;
      ASSERT_LE(second, fair);
      ASSERT_EQ(surplus(second, fair), 0U);
    }
    EXPECT_LE(first, fair + fair / 10 + 1);
    EXPECT_LE(steps, 20);
  }
}

TEST(FleetRules, EndLeasesEarlyEnoughForTheNextInstance) {
  using namespace std::chrono_literals;
  manager_options options;
  EXPECT_EQ(lease_span(options.lease_time, options.beat_every), 13500ms);
  EXPECT_EQ(lease_span(1s, options.beat_every), 500ms);
}

// A dead process is counted no longer than its leases run: the others would leave its connections to it.
TEST(FleetRules, ReportForLessThanALeaseIsLeftWhenItsHolderDies) {
  using namespace std::chrono_literals;
  for (const auto lease_time : {5s, 15s, 60s, 3600s}) {
    const auto report = report_span(lease_time, 500ms);
    EXPECT_LE(report, lease_span(lease_time, 500ms) * 2 / 3) << "a lease was renewed a third of its time ago";
    EXPECT_GE(report, 2s) << "several beats, of which half may be late";
  }
  EXPECT_EQ(report_span(15s, 500ms), 6750ms);
  EXPECT_EQ(report_span(1s, 500ms), 1s) << "not beyond a lease";
  EXPECT_EQ(report_span(60s, 10s), 40s);
}

TEST(FleetRules, SweepNoMoreTogetherThanOneInstanceDoesAlone) {
  using namespace std::chrono_literals;
  EXPECT_EQ(sweep_pause(15s, 500ms, 1, false), 1s);
  EXPECT_EQ(sweep_pause(15s, 500ms, 1, true), 30s);
  EXPECT_EQ(sweep_pause(15s, 500ms, 0, true), 30s) << "before the first beat";
  EXPECT_EQ(sweep_pause(15s, 500ms, 20, false), 20s) << "each of twenty";
  EXPECT_EQ(sweep_pause(15s, 500ms, 20, true), 600s);
}

}  // namespace
}  // namespace mcpstate
