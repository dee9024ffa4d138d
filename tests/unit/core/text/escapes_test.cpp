// SPDX-License-Identifier: MIT
#include "core/text/escapes.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

void expect(std::string_view text, std::size_t length, const std::string& bytes) {
  const auto got = read_escape(text);
  EXPECT_EQ(got.bytes, bytes) << text;
  EXPECT_EQ(bytes.empty() ? 0 : got.length, length) << text;
}

TEST(Escapes, AreReadAtTheFront) {
  expect("%2Frest", 3, "/");
  expect("%2frest", 3, "/");
  expect(R"(\"x)", 2, "\"");
  expect(R"(\/x)", 2, "/");
  expect(R"(\u0041BC)", 6, "A");
  expect(R"(\u00E9)", 6, "\xc3\xa9");
  expect(R"(\ud83d\ude00!)", 12, "\xf0\x9f\x98\x80");
  expect(R"(\x2f)", 4, "/");
  expect("&amp;x", 5, "&");
  expect("&quot;", 6, "\"");
  expect("&#38;8", 5, "&");
  expect("&#x26;", 6, "&");
  expect("&#X1F600;", 9, "\xf0\x9f\x98\x80");
}

TEST(Escapes, AreNothingElse) {
  for (const std::string_view text : {"%", "%2", "%2g", "%%2f", "\\", "\\q", "\\u12", "\\x2", "&", "&;", "&#;", "&#x;", "&#x110000;", "&#0;",
                                      "&nothing;", "& amp;", "&amp", "a", "+", "&#99999999999;"}) {
    expect(text, 0, "");
  }
}

}  // namespace
}  // namespace mcpstate
