// SPDX-License-Identifier: MIT
#include "core/text/printable.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

TEST(PrintableText, EscapesEverythingThatATerminalActsOn) {
  EXPECT_EQ(printable("plain – naïve 猫"), "plain – naïve 猫");
  EXPECT_EQ(printable("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
  EXPECT_EQ(printable("two\nlines\tand\rmore"), "two\\nlines\\tand\\rmore");
  EXPECT_EQ(printable("\x7f\x01"), "\\x7f\\x01");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m");  // CSI as one C1 character
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a\\u202eb");  // right-to-left override
  EXPECT_EQ(printable("a\xe2\x80\xa8"
                      "b"),
            "a\\u2028b");  // line separator
}

TEST(PrintableText, ShowsInvalidUtf8AsBytes) {
  EXPECT_EQ(printable("\xff\xfe ok"), "\\xff\\xfe ok");
  EXPECT_EQ(printable("cut \xe7\x8c"), "cut \\xe7\\x8c");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");  // over-long
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
}

TEST(PrintableText, EscapesEveryKindOfControlCharacter) {
  for (const char32_t c : std::initializer_list<char32_t>{0x0, 0x1f, 0x7f, 0x80, 0x9f, 0x61c, 0x200e, 0x200f, 0x2028, 0x2029,
                                                          0x202a, 0x202e, 0x2066, 0x2069, 0xfeff}) {
    EXPECT_TRUE(acts_on_terminal(c)) << static_cast<unsigned>(c);
  }
  for (const char32_t c : std::initializer_list<char32_t>{0x20, 0x7e, 0xa0, 0x61b, 0x200d, 0x2010, 0x2027, 0x202f, 0x2065,
                                                          0x206a, 0xfefe, 0x1f408}) {
    EXPECT_FALSE(acts_on_terminal(c)) << static_cast<unsigned>(c);
  }
  EXPECT_EQ(printable("\xef\xbb\xbf"
                      "a\xd8\x9c"),
            "\\ufeffa\\u061c");
}

}  // namespace
}  // namespace mcpstate
