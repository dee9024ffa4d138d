// SPDX-License-Identifier: MIT
#include "core/text/ascii.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

TEST(Ascii, LowersOnlyLetters) {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool upper = code >= 0x41 && code <= 0x5a;
    EXPECT_EQ(ascii_lower(c), upper ? static_cast<char>(code + 0x20) : c) << code;
  }
  EXPECT_EQ(ascii_lower("Text/HTML; \xc3\x84"), "text/html; \xc3\x84");
}

TEST(Ascii, ComparesWithoutCase) {
  EXPECT_TRUE(ascii_iequal("Bearer", "bEARER"));
  EXPECT_TRUE(ascii_iequal("", ""));
  EXPECT_FALSE(ascii_iequal("Bearer", "Bearer "));
  EXPECT_FALSE(ascii_iequal("@", "`"));
}

TEST(Ascii, KnowsLettersAndDigits) {
  for (const char c : {'a', 'z', 'A', 'Z'}) EXPECT_TRUE(is_letter(c)) << c;
  for (const char c : {'@', '[', '`', '{', '0', '\xe4'}) EXPECT_FALSE(is_letter(c)) << c;
  for (const char c : {'0', '9'}) EXPECT_TRUE(is_digit(c)) << c;
  for (const char c : {'/', ':', 'a'}) EXPECT_FALSE(is_digit(c)) << c;
}

}  // namespace
}  // namespace mcpstate
