// SPDX-License-Identifier: MIT
#include "core/text/secrets.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

TEST(Secrets, StayHiddenWhenHiddenAgain) {
  for (const std::string one : {"Bearer abc!def", "https://u:p@h/?k=v and basic x", "mcps1.a.b"}) {
    const std::string once = without_secrets(one);
    EXPECT_EQ(without_secrets(once), once);
  }
  EXPECT_EQ(without_secrets("Authorization: Bearer [hidden], x"), "Authorization: Bearer [hidden], x");
}

}  // namespace
}  // namespace mcpstate
