// SPDX-License-Identifier: MIT
#include "mcp/protocol/header_value.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "support/seed.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::string_literals;

TEST(HeaderValue, EncodesUnsafeText) {
  const struct {
    std::string text, value;
  } table[] = {
      // The examples of the specification.
      {"us-west1", "us-west1"},
      {"Hello, \xE4\xB8\x96\xE7\x95\x8C", "=?base64?SGVsbG8sIOS4lueVjA==?="},
      {" padded ", "=?base64?IHBhZGRlZCA=?="},
      {"line1\nline2", "=?base64?bGluZTEKbGluZTI=?="},
      {"=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="},
      // Every reason, alone.
      {"", ""},
      {"a b  c", "a b  c"},
      {"!\"~", "!\"~"},
      {" a", "=?base64?IGE=?="},
      {"a ", "=?base64?YSA=?="},
      {" ", "=?base64?IA==?="},
      {"a\tb", "=?base64?YQli?="},
      {"\t", "=?base64?CQ==?="},
      {"a\rb", "=?base64?YQ1i?="},
      {"a\0b"s, "=?base64?YQBi?="},
      {"\x1F", "=?base64?Hw==?="},
      {"\x7F", "=?base64?fw==?="},
      {"\xC3\xA9", "=?base64?w6k=?="},
      {"\xFF\xFE\xFD", "=?base64?//79?="},
      // Close to the mark, and not it.
      {"=?base64?", "=?base64?"},
      {"=?base64?x", "=?base64?x"},
      {"x=?base64?x?=", "x=?base64?x?="},
      {"=?BASE64?x?=", "=?BASE64?x?="},
      {"?=", "?="},
      // It, in its shortest forms.
      {"=?base64?=", "=?base64?PT9iYXNlNjQ/PQ==?="},
      {"=?base64?\?=", "=?base64?PT9iYXNlNjQ/Pz0=?="},
  };
  for (const auto& row : table) {
    EXPECT_EQ(encode_header_value(row.text), row.value) << row.text;
    EXPECT_EQ(decode_header_value(row.value), row.text) << row.value;
  }
}

TEST(HeaderValue, DecodesNeedlesslyEncodedText) {
  EXPECT_EQ(decode_header_value("=?base64?YWJj?="), "abc");
  EXPECT_EQ(decode_header_value("=?base64?\?="), "");
}

TEST(HeaderValue, RefusesMalformedEncodings) {
  for (const char* const wrong : {"=?base64?=",        // the two marks are one
                                  "=?base64?YQ?=",     // no padding
                                  "=?base64?YQ=?=",    // half of it
                                  "=?base64?YQ===?=",  // too much
                                  "=?base64?YR==?=",   // bits that stand for nothing
                                  "=?base64?YW=j?=",   // padding inside
                                  "=?base64?YW Jj?=",  // a space inside
                                  "=?base64? YWJj?=",  // and where OpenSSL would skip it
                                  "=?base64?YWJj ?=",
                                  "=?base64?Y?=",
                                  "=?base64?====?=",
                                  "=?base64?YQ==YQ==?=",
                                  "=?base64?YW-_?=",  // the other alphabet
                                  "=?base64?YWJj\n?=",
                                  " a",
                                  "a ",
                                  "a\tb",
                                  "\xC3\xA9",
                                  "\x7F",
                                  "a\r\nX-Evil: 1"}) {
    EXPECT_EQ(decode_header_value(wrong), std::nullopt) << wrong;
  }
}

TEST(HeaderValue, RoundTripsEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const std::string& text :
         {std::string(1, static_cast<char>(byte)), "a" + std::string(1, static_cast<char>(byte)) + "z",
          std::string(3, static_cast<char>(byte))}) {
      EXPECT_EQ(decode_header_value(encode_header_value(text)), text) << byte;
    }
  }
}

TEST(HeaderValue, RoundTripsRandomTextSafely) {
  std::mt19937_64 random(test::seed());
  static const char* const parts[] = {"=?base64?", "?=", " ", "a", "\n", "\xE2\x82\xAC", "=", "YQ=="};
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto i = random() % 6; i > 0; --i) text += parts[random() % 8];
    const std::string value = encode_header_value(text);
    EXPECT_TRUE(std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7E; })) << value;
    EXPECT_FALSE(value.starts_with(' ') || value.ends_with(' ')) << value;
    EXPECT_EQ(decode_header_value(value), text) << value;
  }
}

// OpenSSL counts in int, so long text goes through it in pieces: at each seam nothing is lost.
TEST(HeaderValue, RoundTripsLongText) {
  for (const std::size_t size : {(3U << 20U) - 1, 3U << 20U, (3U << 20U) + 1, 7'000'001U}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; i += 997) text[i] = '\n';
    const std::string value = encode_header_value(text);
    EXPECT_EQ(value.size(), 11 + (size + 2) / 3 * 4);
    EXPECT_TRUE(decode_header_value(value) == text) << size;
  }
}

}  // namespace
}  // namespace mcpstate::mcp
