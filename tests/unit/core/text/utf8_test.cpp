// SPDX-License-Identifier: MIT
#include "core/text/utf8.hh"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace mcpstate {
namespace {

TEST(Utf8, AcceptsExactlyTheWellFormedSequences) {
  for (const char* good :
       {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "eight by\xc3\xa9te blocks are skipped \xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  }
  for (const char* bad : {"\x80",
                          "\xbf",
                          "\xc0\x80",
                          "\xc1\xbf",
                          "\xc2",
                          "\xc2\x41",
                          "\xe0\x9f\xbf",
                          "\xe0\xa0",
                          "\xed\xa0\x80",
                          "\xed\xbf\xbf",
                          "\xf0\x8f\xbf\xbf",
                          "\xf0\x90\x80",
                          "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80",
                          "\xfe",
                          "\xff",
                          "12345678\xff",
                          "1234567\xff"
                          "9",
                          "a\xe2\x82",
                          "12345678901234\xc3"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
  }
  EXPECT_TRUE(is_valid_utf8(std::string_view("\0", 1)));
}

// Every two-byte text, and every three- and four-byte text with the bytes at the borders of the grammar, against the plain
// definition: decode, and see whether the shortest encoding of the code point gives the same bytes.
bool valid_by_definition(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5u == 6 ? 2 : lead >> 4u == 14 ? 3 : lead >> 3u == 30 ? 4 : 0;
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6u != 2) return false;
      point = point << 6u | (next & 0x3fu);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

TEST(Utf8, AgreesWithTheStandardOnAllShortTexts) {
  constexpr unsigned char border[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
  std::string text;
  for (unsigned lead = 0; lead < 256; ++lead) {
    for (unsigned second = 0; second < 256; ++second) {
      text = {static_cast<char>(lead), static_cast<char>(second)};
      ASSERT_EQ(is_valid_utf8(text), valid_by_definition(text)) << lead << " " << second;
      for (const unsigned char third : border) {
        for (const unsigned char fourth : border) {
          const std::string longer = text + static_cast<char>(third) + static_cast<char>(fourth);
          ASSERT_EQ(is_valid_utf8(longer), valid_by_definition(longer))
              << lead << " " << second << " " << +third << " " << +fourth;
        }
      }
    }
  }
}

TEST(Utf8, DecodesTheFirstCharacter) {
  const auto check = [](std::string_view text, char32_t code_point, std::size_t length) {
    const auto got = first_character(text);
    EXPECT_TRUE(got.valid) << text;
    EXPECT_EQ(static_cast<unsigned>(got.code_point), static_cast<unsigned>(code_point)) << text;
    EXPECT_EQ(got.length, length) << text;
  };
  check("ab", 'a', 1);
  check("\xc3\xa9x", 0xe9, 2);
  check("\xe7\x8c\xab", 0x732b, 3);
  check("\xf0\x9f\x90\x88", 0x1f408, 4);
  for (const char* bad : {"\xff", "\xe7\x8c", "\xc0\xaf"}) {
    EXPECT_FALSE(first_character(bad).valid);
    EXPECT_EQ(first_character(bad).length, 1U);
  }
}

}  // namespace
}  // namespace mcpstate
