// SPDX-License-Identifier: MIT
#include "store/rows/claim_rule.hh"

#include <gtest/gtest.h>

namespace mcpstate {

TEST(ClaimRule, PrefersTheUsersRecordOnlyWhileConnected) {
  EXPECT_TRUE(claim_moves(std::nullopt));
  connection record(owner::user("42").value(), "github");
  record.state = status::connected;
  EXPECT_FALSE(claim_moves(record));
  for (const auto state : {status::disconnected, status::connecting, status::auth_required, status::failed}) {
    record.state = state;
    EXPECT_TRUE(claim_moves(record)) << to_text(state);
  }
}

}  // namespace mcpstate
