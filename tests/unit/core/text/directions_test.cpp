// SPDX-License-Identifier: MIT
// What must not happen: that a peer's text shows as another one where a host prints it.
#include "core/text/directions.hh"

#include <gtest/gtest.h>

#include <string_view>

#include <mcpstate/core/error.hpp>

namespace mcpstate {
namespace {

using namespace std::string_view_literals;

const std::string instead = "\xEF\xBF\xBD";

std::string utf8(char32_t c) {
  std::string out;
  if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
  } else {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
  }
  return out + static_cast<char>(0x80 | (c & 0x3F));
}

TEST(Directions, AreTurnedByNoMark) {
  for (const char32_t mark : U"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"sv) {
    EXPECT_EQ(without_directions("a" + utf8(mark) + "b"), "a" + instead + "b") << static_cast<unsigned>(mark);
    EXPECT_EQ(without_directions(utf8(mark) + utf8(mark)), instead + instead);
    EXPECT_EQ(error(errc::rpc_error, "detail", "x" + utf8(mark)).peer_text(), "x" + instead);
    EXPECT_EQ(error(errc::rpc_error, "detail", "x" + utf8(mark)).full_text(), "detail: x" + instead);
  }
}

TEST(Directions, LeaveEverythingElse) {
  for (const std::string& text :
       {std::string("plain"), std::string(), std::string("שלום مرحبا 世界 é 😀 “quoted” – …"), std::string("a\xE2"),
        std::string("a\xE2\x80"), std::string("\xD8"),
        std::string("\xE2\x81\xA5\xE2\x81\xAA\xE2\x80\xA9\xE2\x80\x8D\xD8\x9B"), std::string("\0\xff", 2)}) {
    EXPECT_EQ(without_directions(text), text);
  }
}

TEST(Directions, OfALongTextTakeNoLongTime) {
  std::string marks, expected;
  for (int i = 0; i < 500'000; ++i) {
    marks += "\xD8\x9C";
    expected += instead;
  }
  EXPECT_EQ(without_directions(marks), expected);
}

}  // namespace
}  // namespace mcpstate
