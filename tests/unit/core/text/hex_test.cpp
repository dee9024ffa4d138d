// SPDX-License-Identifier: MIT
#include "core/text/hex.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

TEST(Hex, WritesTwoDigitsPerByte) {
  EXPECT_EQ(to_hex(std::string_view("\x00\x0f\xa0\xff", 4)), "000fa0ff");
  std::string out = "%";
  append_hex(out, 0xab, hex_case::upper);
  EXPECT_EQ(out, "%AB");
}

TEST(Hex, ReadsDigitsOfEitherCaseOnly) {
  unsigned digits = 0;
  for (int code = 0; code < 256; ++code) {
    const auto value = hex_value(static_cast<char>(code));
    if (!value) continue;
    ++digits;
    EXPECT_EQ(std::string(1, static_cast<char>(code)).find_first_of("0123456789abcdefABCDEF"), 0U) << code;
  }
  EXPECT_EQ(digits, 22U);
  EXPECT_EQ(hex_value('0'), 0U);
  EXPECT_EQ(hex_value('9'), 9U);
  EXPECT_EQ(hex_value('a'), 10U);
  EXPECT_EQ(hex_value('F'), 15U);
}

}  // namespace
}  // namespace mcpstate
