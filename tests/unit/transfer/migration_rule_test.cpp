// SPDX-License-Identifier: MIT
#include "transfer/migration_rule.hh"

#include <gtest/gtest.h>

namespace mcpstate::test {

namespace {

using transfer::decide_migration;
using transfer::migration_step;

connection migrated(std::uint64_t revision, status state) {
  connection out(owner::user("1").value(), "a");
  out.state = state;
  out.revision = revision;
  out.expires_at = timestamp(std::chrono::hours(500'000));
  return out;
}

}  // namespace

TEST(MigrationRule, CopiesWhatIsAbsentOrOlder) {
  const auto from = migrated(7, status::failed), older = migrated(6, status::connected);
  EXPECT_EQ(decide_migration(from, nullptr), migration_step::copy);
  EXPECT_EQ(decide_migration(from, &older), migration_step::copy);
}

TEST(MigrationRule, LeavesWhatIsTheSameAtWhateverLaterRevision) {
  const auto from = migrated(7, status::failed), same = migrated(7, status::failed), later = migrated(8, status::failed);
  EXPECT_EQ(decide_migration(from, &same), migration_step::leave);
  EXPECT_EQ(decide_migration(from, &later), migration_step::leave);
}

TEST(MigrationRule, OverwritesWhatAnotherProgramHasChangedAtTheSource) {
  auto from = migrated(7, status::failed);
  const auto same = migrated(7, status::connected), later = migrated(8, status::connected);
  EXPECT_EQ(decide_migration(from, &same), migration_step::overwrite);
  EXPECT_EQ(decide_migration(from, &later), migration_step::ahead);
  from.altered = true;
  EXPECT_EQ(decide_migration(from, &later), migration_step::overwrite);
  const auto foreign = migrated(0, status::failed);
  EXPECT_EQ(decide_migration(foreign, &later), migration_step::overwrite);
}

TEST(MigrationRule, OverwritesNothingThatAnotherProgramWroteAtTheTarget) {
  const auto from = migrated(7, status::failed), foreign = migrated(0, status::connected);
  EXPECT_EQ(decide_migration(from, &foreign), migration_step::ahead);
}

TEST(MigrationRule, FollowsAnExpiryThatWasRenewed) {
  auto from = migrated(7, status::failed);
  const auto there = migrated(7, status::failed);
  *from.expires_at += std::chrono::seconds(50);
  EXPECT_EQ(decide_migration(from, &there), migration_step::leave);
  *from.expires_at += std::chrono::seconds(50);
  EXPECT_EQ(decide_migration(from, &there), migration_step::overwrite);
}

}  // namespace mcpstate::test
