// SPDX-License-Identifier: MIT
#include "core/variables.hh"

#include <gtest/gtest.h>

#include <vector>

namespace mcpstate::test {
namespace {

std::optional<std::string> value_of(const std::string& name) {
  if (name == "TOKEN") return "s3cret";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

std::string expanded(const std::string& text) {
  const auto out = expand_variables(text, value_of);
  return out ? *out : "error: " + out.error().detail();
}

TEST(Variables, ReplacesNamesAndLeavesOtherDollarsAlone) {
  EXPECT_EQ(expanded("Bearer ${TOKEN}"), "Bearer s3cret");
  EXPECT_EQ(expanded("${TOKEN}${TOKEN}"), "s3crets3cret");
  EXPECT_EQ(expanded("costs $5, $TOKEN, $"), "costs $5, $TOKEN, $");
  EXPECT_EQ(expanded(""), "");
}

TEST(Variables, TakesTheDefaultForWhatIsUnsetOrEmptyAndExpandsNothingInIt) {
  EXPECT_EQ(expanded("${NONE:-there}"), "there");
  EXPECT_EQ(expanded("${EMPTY:-there}"), "there");
  EXPECT_EQ(expanded("${EMPTY}"), "");
  EXPECT_EQ(expanded("${TOKEN:-there}"), "s3cret");
  EXPECT_EQ(expanded("${NONE:-$TOKEN}"), "$TOKEN");
}

TEST(Variables, NamesWhatIsWrongAndNoValue) {
  EXPECT_EQ(expanded("${NONE}"), "error: the environment variable NONE is not set");
  EXPECT_EQ(expanded("${TOKEN"), "error: a ${ without its }");
  for (const char* const wrong : {"${}", "${1A}", "${A B}", "${TOKEN:+x}", "${input:key}"})
    EXPECT_EQ(expanded(wrong), "error: what stands in ${} is not the name of a variable") << wrong;
}

TEST(Variables, TellsOfEachValueButOfNoDefault) {
  std::vector<std::string> told;
  const auto out = expand_variables("${TOKEN} ${NONE:-x} ${TOKEN}", value_of,
                                    [&told](const std::string& value) { told.push_back(value); });
  ASSERT_TRUE(out);
  EXPECT_EQ(told, (std::vector<std::string>{"s3cret", "s3cret"}));
}

}  // namespace
}  // namespace mcpstate::test
