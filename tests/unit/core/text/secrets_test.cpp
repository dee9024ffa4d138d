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

TEST(Secrets, AreHiddenWhereverKnownValuesStand) {
  const auto values = longest_first({"abc", "abcdef", "", "abc", "xyz"});
  EXPECT_EQ(values, (std::vector<std::string>{"abcdef", "abc", "xyz", ""}));
  EXPECT_EQ(without_values("1 abcdef 2 abcabc 3 Xxyz", values), "1 [hidden] 2 [hidden][hidden] 3 X[hidden]");
  EXPECT_EQ(without_values("nothing", values), "nothing");
  EXPECT_EQ(without_values("[hidden]", {"hidden"}), "[[hidden]]");  // and it ends
  EXPECT_EQ(without_values("", values), "");
}

}  // namespace
}  // namespace mcpstate
