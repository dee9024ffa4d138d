// SPDX-License-Identifier: MIT
// What must not happen: that a password stays in memory that is no longer used.
#include "core/text/secret_text.hh"

#include <gtest/gtest.h>

#include <string_view>

namespace mcpstate {
namespace {

// The bytes of a buffer, whatever its string says of them.
std::string bytes_of(const std::string& text) { return std::string(text.data(), text.capacity()); }

TEST(SecretText, LeavesNothingInItsBuffer) {
  for (const std::string_view secret : {"short", "just-15-chars--", "a secret that is too long for the object itself"}) {
    std::string text(secret);
    const std::size_t capacity = text.capacity();
    cleanse(text);
    EXPECT_TRUE(text.empty());
    EXPECT_EQ(text.capacity(), capacity);
    EXPECT_EQ(bytes_of(text).find(secret), std::string::npos);
  }
}

TEST(SecretText, LeavesNothingOfALongerTextBeforeIt) {
  std::string text = "a secret that is too long for the object itself";
  text.resize(3);
  cleanse(text);
  EXPECT_EQ(bytes_of(text).find("too long"), std::string::npos);
}

TEST(SecretText, IsOverwrittenWhereItWasMovedFrom) {
  secret_text from("password");
  const secret_text to(std::move(from));
  EXPECT_EQ(to.text(), "password");
  // NOLINTNEXTLINE(bugprone-use-after-move): that is the question
  EXPECT_EQ(bytes_of(from.text()).find("assword"), std::string::npos);
}

TEST(SecretText, IsAStringOtherwise) {
  secret_text one = std::string("one");
  const secret_text copy = one;
  one = "two";
  EXPECT_EQ(static_cast<const std::string&>(copy), "one");
  EXPECT_EQ(one.text(), "two");
  one.clear();
  EXPECT_TRUE(one.empty());
}

}  // namespace
}  // namespace mcpstate
