// SPDX-License-Identifier: MIT
#include "manager/fleet/loss_rules.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

using rule = loss_rule;

data_losses one_loss(std::uint64_t data_losses::* cause) {
  data_losses out;
  out.*cause = 1;
  return out;
}

TEST(LossRules, RestoreNothingThatVanishedAlone) {
  data_losses before = one_loss(&data_losses::replaced);
  for (const auto each : {rule::by_cause, rule::restore, rule::forget}) EXPECT_FALSE(restores_record(each, before, before));
}

TEST(LossRules, RestoreByCauseAfterAnotherServerOnly) {
  const data_losses before;
  EXPECT_TRUE(restores_record(rule::by_cause, before, one_loss(&data_losses::replaced)));
  EXPECT_FALSE(restores_record(rule::by_cause, before, one_loss(&data_losses::flushed)));
  EXPECT_FALSE(restores_record(rule::by_cause, before, one_loss(&data_losses::evicted)));
}

TEST(LossRules, RestoreAlwaysOrNeverWhereTheyAreToldTo) {
  const data_losses before;
  for (const auto cause : {&data_losses::replaced, &data_losses::flushed, &data_losses::evicted}) {
    EXPECT_TRUE(restores_record(rule::restore, before, one_loss(cause)));
    EXPECT_FALSE(restores_record(rule::forget, before, one_loss(cause)));
  }
}

}  // namespace
}  // namespace mcpstate
