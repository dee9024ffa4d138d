// SPDX-License-Identifier: MIT
#include "http/body_decoder.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/compress.hh"

namespace mcpstate::http {
namespace {

using test::compress;
using test::format;

// All that comes out for these bytes, in pieces of at most max; "!" behind it for an error.
std::string feed(body_decoder& decoder, std::string_view input, std::size_t max = 1000) {
  std::string out;
  for (;;) {
    const auto piece = decoder.decode(input, max);
    if (!piece) {
      EXPECT_EQ(piece.error().code(), errc::protocol);
      return out + "!";
    }
    EXPECT_LE(piece->size(), max);
    if (piece->empty()) {
      EXPECT_TRUE(input.empty());
      return out;
    }
    out += *piece;
  }
}

// The same in pieces of this size, then the end: "?" for one that is missing.
std::string decode(content_coding coding, std::string_view input, std::size_t step, std::size_t max = 1000) {
  body_decoder decoder(coding);
  std::string out;
  for (; !input.empty(); input.remove_prefix(std::min(step, input.size()))) {
    out += feed(decoder, input.substr(0, step), max);
    if (out.ends_with('!')) return out;
  }
  return decoder.finish() ? out : out + "?";
}

const std::string text = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[]}} \xE2\x82\xAC";

TEST(BodyDecoder, ReadsTheNamesOfCodings) {
  EXPECT_EQ(content_coding_of(""), content_coding::identity);
  EXPECT_EQ(content_coding_of(" Identity "), content_coding::identity);
  EXPECT_EQ(content_coding_of("gzip"), content_coding::gzip);
  EXPECT_EQ(content_coding_of("\tX-GZIP "), content_coding::gzip);
  EXPECT_EQ(content_coding_of("deflate"), content_coding::deflate);
  for (const char* const other : {"br", "zstd", "gzip, gzip", "gzip,", "gzi", "gzip;q=1"})
    EXPECT_EQ(content_coding_of(other), content_coding::unknown) << other;
}

TEST(BodyDecoder, DecodesInputCutAnywhere) {
  const std::string gzip = compress(text);
  const std::string zlib = compress(text, format::zlib);
  for (std::size_t step = 1; step <= gzip.size(); ++step) {
    for (const std::size_t max : {1U, 2U, 7U, 1000U}) {
      EXPECT_EQ(decode(content_coding::gzip, gzip, step, max), text) << step;
      EXPECT_EQ(decode(content_coding::deflate, zlib, step, max), text) << step;
    }
  }
}

TEST(BodyDecoder, RefusesInputTruncatedAtAnyByte) {
  const std::string gzip = compress(text);
  for (std::size_t length = 1; length < gzip.size(); ++length) {
    const std::string out = decode(content_coding::gzip, gzip.substr(0, length), 3);
    ASSERT_TRUE(out.ends_with('?')) << length;
    EXPECT_EQ(out.substr(0, out.size() - 1), text.substr(0, out.size() - 1)) << length;
  }
}

// No byte of a gzip file is without meaning but those of its date and of the system that wrote it.
TEST(BodyDecoder, NoticesDamageInEveryByte) {
  const std::string gzip = compress(text);
  for (std::size_t i = 0; i < gzip.size(); ++i) {
    if (i >= 3 && i < 10) continue;
    std::string wrong = gzip;
    wrong[i] = static_cast<char>(wrong[i] ^ 0xFF);
    EXPECT_NE(decode(content_coding::gzip, wrong, 1000), text) << i;
  }
}

TEST(BodyDecoder, StaysFailedAfterAnError) {
  body_decoder decoder(content_coding::gzip);
  EXPECT_EQ(feed(decoder, "plain text"), "!");
  EXPECT_EQ(feed(decoder, compress(text)), "!");
  ASSERT_FALSE(decoder.finish().has_value());
  EXPECT_EQ(decoder.finish().error().code(), errc::protocol);
}

TEST(BodyDecoder, ReturnsGoodBytesBeforeAnError) {
  std::string wrong = compress(text);
  wrong[wrong.size() - 5] = static_cast<char>(wrong[wrong.size() - 5] ^ 1);  // the checksum
  EXPECT_EQ(decode(content_coding::gzip, wrong, 1000), text + "!");
  EXPECT_EQ(decode(content_coding::gzip, wrong, 1), text + "!");
}

TEST(BodyDecoder, ReturnsEachEventAsSoonAsItIsFlushed) {
  const std::vector<std::string> events = {"data: 1\n\n", "data: 2\n\n", "data: 3\n\n"};
  const std::string all = compress(events);
  // The bytes of the first n parts are the beginning of the whole.
  std::size_t before = 0;
  body_decoder decoder(content_coding::gzip);
  for (std::size_t n = 1; n <= events.size(); ++n) {
    std::vector<std::string> parts(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(n));
    parts.emplace_back();
    const std::string some = compress(parts);
    const auto same = std::mismatch(some.begin(), some.end(), all.begin(), all.end());
    const auto length = n == events.size() ? all.size() : static_cast<std::size_t>(same.first - some.begin());
    ASSERT_GT(length, before);
    EXPECT_EQ(feed(decoder, std::string_view(all).substr(before, length - before)), events[n - 1]) << n;
    before = length;
  }
  EXPECT_TRUE(decoder.finish().has_value());
}

TEST(BodyDecoder, DecodesConcatenatedGzipFiles) {
  const std::string two = compress("one ") + compress("") + compress("two");
  for (const std::size_t step : {1U, 5U, 1000U}) EXPECT_EQ(decode(content_coding::gzip, two, step), "one two");
  EXPECT_EQ(decode(content_coding::gzip, compress("one ") + "rubbish", 1000), "one !");
  EXPECT_EQ(decode(content_coding::deflate, compress("one ", format::zlib) + "x", 1000), "one !");
}

TEST(BodyDecoder, AcceptsAnEmptyBody) {
  EXPECT_EQ(decode(content_coding::gzip, "", 1), "");
  EXPECT_EQ(decode(content_coding::gzip, compress(""), 1), "");
}

TEST(BodyDecoder, DecodesNoMoreThanAsked) {
  const std::string bomb = compress(std::string(10'000'000, '\0'));
  ASSERT_LT(bomb.size(), 20'000U);
  body_decoder decoder(content_coding::gzip);
  std::string_view input = bomb;
  std::size_t size = 0;
  std::size_t largest = 0;
  for (;;) {
    const auto piece = decoder.decode(input, 1 << 16);
    ASSERT_TRUE(piece.has_value());
    if (piece->empty()) break;
    size += piece->size();
    largest = std::max(largest, piece->capacity());
  }
  EXPECT_EQ(size, 10'000'000U);
  EXPECT_LE(largest, 1U << 16);
  EXPECT_TRUE(decoder.finish().has_value());
}

}  // namespace
}  // namespace mcpstate::http
