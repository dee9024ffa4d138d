// SPDX-License-Identifier: MIT
#include "redis/parser.hh"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "unit/redis/show.hh"

// ThreadSanitizer brings operators of its own; the other builds count.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MCPSTATE_COUNTS_NOTHING
#endif
#endif

#ifndef MCPSTATE_COUNTS_NOTHING
// Counts what this program asks for, so that a test can say how much a parser took.
namespace {
std::atomic<std::size_t> allocated{0};
}  // namespace
void* operator new(std::size_t n) {
  allocated += n;
  if (void* p = std::malloc(n == 0 ? 1 : n)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

namespace mcpstate::redis {
namespace {

// All replies in the bytes, shown; then "…" if one is cut, or "failed: why".
std::vector<std::string> read_all(parser& p, std::string_view bytes, std::vector<std::string> out = {}) {
  for (;;) {
    switch (p.feed(bytes)) {
      case parser::status::ready:
        out.push_back(show(p.take()));
        break;
      case parser::status::failed:
        out.push_back("failed: " + p.why());
        return out;
      case parser::status::more:
        EXPECT_TRUE(bytes.empty());
        if (p.in_reply()) out.emplace_back("…");
        return out;
    }
  }
}

std::vector<std::string> read_all(std::string_view bytes) {
  parser p(parser::limits{});
  return read_all(p, bytes);
}

using list = std::vector<std::string>;

struct one_reply {
  const char* bytes;
  const char* shown;
};
class RedisParserTypes : public testing::TestWithParam<one_reply> {};

const one_reply every_type[] = {
    {"+OK\r\n", "'OK'"},
    {"+\r\n", "''"},
    {"-ERR no such thing\r\n", "error:ERR no such thing"},
    {":0\r\n", "0"},
    {":-9223372036854775808\r\n", "-9223372036854775808"},
    {":+9223372036854775807\r\n", "9223372036854775807"},
    {"$5\r\nhello\r\n", "'hello'"},
    {"$0\r\n\r\n", "''"},
    {"$4\r\n\r\n\r\n\r\n", "'\r\n\r\n'"},
    {"$-1\r\n", "null"},
    {"*-1\r\n", "null"},
    {"_\r\n", "null"},
    {"*0\r\n", "[]"},
    {"*3\r\n:1\r\n$1\r\nx\r\n_\r\n", "[1 'x' null]"},
    {"*2\r\n*1\r\n:1\r\n*0\r\n", "[[1] []]"},
    {"%0\r\n", "{}"},
    {"%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n#t\r\n", "{'a' 1 'b' {'c' true}}"},
    {"~2\r\n+a\r\n+b\r\n", "<'a' 'b'>"},
    {">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n", "!'invalidate' ['k']!"},
    {"#t\r\n", "true"},
    {"#f\r\n", "false"},
    {",1.5\r\n", "real:1.5"},
    {",+10\r\n", "real:+10"},
    {",-1e-7\r\n", "real:-1e-7"},
    {",1e999\r\n", "real:1e999"},
    {",inf\r\n", "real:inf"},
    {",-inf\r\n", "real:-inf"},
    {",nan\r\n", "real:nan"},
    {"(3492890328409238509324850943850943825024385\r\n", "'3492890328409238509324850943850943825024385'"},
    {"(-1\r\n", "'-1'"},
    {"!21\r\nSYNTAX invalid syntax\r\n", "error:SYNTAX invalid syntax"},
    {"=15\r\ntxt:Some string\r\n", "'Some string'"},
    {"=4\r\nmkd:\r\n", "''"},
    {"|1\r\n+ttl\r\n:3600\r\n:7\r\n", "7"},
    {"|0\r\n:7\r\n", "7"},
    {"|1\r\n+a\r\n*2\r\n:1\r\n|1\r\n+b\r\n+c\r\n:2\r\n+x\r\n", "'x'"},
    {"*2\r\n|1\r\n+ttl\r\n:3600\r\n:1\r\n:2\r\n", "[1 2]"},
    {"%1\r\n+k\r\n|1\r\n+a\r\n+b\r\n+v\r\n", "{'k' 'v'}"},
};
INSTANTIATE_TEST_SUITE_P(Resp3, RedisParserTypes, testing::ValuesIn(every_type));

TEST_P(RedisParserTypes, ReadsAReplyInOnePiece) { EXPECT_EQ(read_all(GetParam().bytes), list{GetParam().shown}); }

TEST_P(RedisParserTypes, ReadsAReplyByteByByte) {
  const std::string_view bytes = GetParam().bytes;
  parser p(parser::limits{});
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    std::string_view one = bytes.substr(i, 1);
    ASSERT_EQ(p.feed(one), parser::status::more) << "after byte " << i;
    ASSERT_TRUE(one.empty());
    ASSERT_TRUE(p.in_reply());
  }
  EXPECT_EQ(read_all(p, bytes.substr(bytes.size() - 1)), list{GetParam().shown});
  EXPECT_FALSE(p.in_reply());
}

// Every way to cut three replies in a row into three pieces; the neighbours prove that nothing is taken from them.
TEST_P(RedisParserTypes, ReadsRepliesCutAnywhere) {
  const std::string bytes = std::string("$2\r\nab\r\n") + GetParam().bytes + ":9\r\n";
  const list expected{"'ab'", GetParam().shown, "9"};
  for (std::size_t i = 0; i <= bytes.size(); ++i) {
    for (std::size_t j = i; j <= bytes.size(); ++j) {
      parser p(parser::limits{});
      list got;
      for (const auto& [from, to] : {std::pair{std::size_t{0}, i}, std::pair{i, j}, std::pair{j, bytes.size()}}) {
        std::string piece = bytes.substr(from, to - from);  // a copy of its own: what was fed may go away
        got = read_all(p, piece, std::move(got));
        if (!got.empty() && got.back() == "…") got.pop_back();
      }
      ASSERT_EQ(got, expected) << "cut at " << i << " and " << j;
    }
  }
}

TEST_P(RedisParserTypes, WaitsForTheRestOfATruncatedReply) {
  const std::string_view bytes = GetParam().bytes;
  for (std::size_t n = 1; n < bytes.size(); ++n) EXPECT_EQ(read_all(bytes.substr(0, n)), list{"…"}) << n;
}

struct broken {
  const char* bytes;
  const char* why;
};
class RedisParserDefects : public testing::TestWithParam<broken> {};
const broken every_defect[] = {
    {"HTTP/1.1 400 Bad Request\r\n", "a reply cannot begin with 'H'"},
    {"H", "a reply cannot begin with 'H'"},
    {"\x15\x03\x01", "a reply cannot begin with 0x15"},
    {"\r\n", "an empty line where a reply should begin"},
    {"+OK\n", "a line that does not end in CR LF"},
    {"\n", "a reply cannot begin with 0x0a"},
    {"+a\rb\r\n", "a CR inside a line"},
    {":\r\n", "an integer that is none"},
    {":1x\r\n", "an integer that is none"},
    {":+-1\r\n", "an integer that is none"},
    {":9223372036854775808\r\n", "an integer that is none"},
    {",\r\n", "a double that is none"},
    {",1.5.2\r\n", "a double that is none"},
    {",+-1\r\n", "a double that is none"},
    {",0x10\r\n", "a double that is none"},
    {",infinity\r\n", "a double that is none"},
    {"(12a\r\n", "a big number that is none"},
    {"(\r\n", "a big number that is none"},
    {"#x\r\n", "a boolean that is neither t nor f"},
    {"#\r\n", "a boolean that is neither t nor f"},
    {"_x\r\n", "a null with something in it"},
    {"$-2\r\n", "a length that is none"},
    {"$\r\n", "a length that is none"},
    {"!-1\r\n", "a length that is none"},
    {"=-1\r\n", "a length that is none"},
    {"$3\r\nabcd\r\n", "a string that is longer than announced"},
    {"$3\r\nabc\rx", "a string that is longer than announced"},
    {"=3\r\nabc\r\n", "a verbatim string without its format"},
    {"=5\r\nabcde\r\n", "a verbatim string without its format"},
    {"*-2\r\n", "a length that is none"},
    {"%-1\r\n", "a length that is none"},
    {"~-1\r\n", "a length that is none"},
    {">-1\r\n", "a length that is none"},
    {"$?\r\n", "a streamed reply, which is not supported"},
    {"*?\r\n", "a streamed reply, which is not supported"},
    {"%?\r\n", "a streamed reply, which is not supported"},
    {";3\r\n", "a streamed reply, which is not supported"},
    {".\r\n", "a streamed reply, which is not supported"},
    {"*2147483647\r\n", "a reply of more than 4194304 elements"},
    {"*18446744073709551615\r\n", "a reply of more than 4194304 elements"},
    {"%9223372036854775808\r\n", "a reply of more than 4194304 elements"},
    {"%2097153\r\n", "a reply of more than 4194304 elements"},
    {"*18446744073709551616\r\n", "a length that is none"},
    {"$536870913\r\n", "a reply of more than 536870912 bytes"},
    {"$18446744073709551615\r\n", "a reply of more than 536870912 bytes"},
};
INSTANTIATE_TEST_SUITE_P(Resp3, RedisParserDefects, testing::ValuesIn(every_defect));

TEST_P(RedisParserDefects, AreRefusedHoweverTheyAreCut) {
  const std::string failed = "failed: " + std::string(GetParam().why);
  EXPECT_EQ(read_all(GetParam().bytes), list{failed});
  parser p(parser::limits{});
  list got;
  for (const char* byte = GetParam().bytes; *byte != '\0' && (got.empty() || got.back() == "…"); ++byte) {
    got = read_all(p, std::string_view(byte, 1));
  }
  EXPECT_EQ(got, list{failed});
}

TEST_P(RedisParserDefects, StayFatalForTheConnection) {
  parser p(parser::limits{});
  static_cast<void>(read_all(p, GetParam().bytes));
  std::string_view good = "+OK\r\n";
  EXPECT_EQ(p.feed(good), parser::status::failed);
  EXPECT_EQ(good.size(), 5u);
}

TEST(RedisParser, Reads32LevelsAndRefuses33) {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes += "*1\r\n";
  EXPECT_EQ(read_all(bytes + ":1\r\n"), list{std::string(32, '[') + "1" + std::string(32, ']')});
  EXPECT_EQ(read_all(bytes + "*0\r\n"), list{"failed: replies nested more than 32 deep"});
  EXPECT_EQ(read_all(bytes + "|0\r\n"), list{"failed: replies nested more than 32 deep"});
}

TEST(RedisParser, LimitsTheElementsOfAllLevels) {
  parser::limits bounds;
  bounds.elements = 5;
  parser p(bounds);
  EXPECT_EQ(read_all(p, "*3\r\n*1\r\n:1\r\n*1\r\n:2\r\n:3\r\n"), list{"[[1] [2] 3]"});
  EXPECT_EQ(read_all(p, "*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n"), list{"[1 1 1 1 1]"}) << "counting begins anew";
  EXPECT_EQ(read_all(p, "*3\r\n*2\r\n:1\r\n:2\r\n*1\r\n"), list{"failed: a reply of more than 5 elements"});
}

TEST(RedisParser, LimitsTheBytesOfAReply) {
  parser::limits bounds;
  bounds.bytes = 20;
  const std::string limit = "failed: a reply of more than 20 bytes";
  {
    parser p(bounds);
    // "$13\r\n" 5 + 13 + 2 = 20
    EXPECT_EQ(read_all(p, "$13\r\n0123456789abc\r\n$13\r\n0123456789abc\r\n"), (list{"'0123456789abc'", "'0123456789abc'"}));
    EXPECT_EQ(read_all(p, "$14\r\n0123456789abcd\r\n"), list{limit});
  }
  {
    parser p(bounds);
    EXPECT_EQ(read_all(p, "$16\r\n"), list{limit}) << "refused when it is announced";
  }
  {
    parser p(bounds);
    EXPECT_EQ(read_all(p, "+" + std::string(20, 'x')), list{limit}) << "refused before its line ends";
  }
  {
    parser p(bounds);
    EXPECT_EQ(read_all(p, "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n"), (list{"[1 2 3 4]", "5"})) << "4 + 4 * 4 = 20";
    EXPECT_EQ(read_all(p, "*5\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n"), list{limit});
  }
}

TEST(RedisParser, LimitsALine) {
  EXPECT_EQ(read_all("+" + std::string(1024 * 1024, 'x')), list{"failed: a line of more than 1 MiB"});
}

// Announced is not sent: the parser holds memory for what has come, whatever the headers promise.
#ifndef MCPSTATE_COUNTS_NOTHING
TEST(RedisParser, DoesNotAllocateWhatIsOnlyAnnounced) {
  const std::size_t before = allocated;
  parser p(parser::limits{});
  for (int level = 0; level < 32; ++level) {
    std::string_view in = "*120000\r\n";
    ASSERT_EQ(p.feed(in), parser::status::more);
  }
  std::string_view in = "$400000000\r\nx";
  EXPECT_EQ(p.feed(in), parser::status::more);
  EXPECT_LT(allocated - before, 8u * 1024 * 1024) << "of the 680 MB that were announced";
}
#endif

TEST(RedisParser, KeepsALargeStringWhole) {
  std::string large(3 * 1024 * 1024 + 17, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 % 251);
  const std::string bytes = "*1\r\n$" + std::to_string(large.size()) + "\r\n" + large + "\r\n";
  parser p(parser::limits{});
  parser::status last = parser::status::more;
  for (std::size_t from = 0; from < bytes.size(); from += 65521) {
    std::string_view piece = std::string_view(bytes).substr(from, 65521);
    last = p.feed(piece);
  }
  ASSERT_EQ(last, parser::status::ready);
  const reply got = p.take();
  ASSERT_EQ(got.items.size(), 1u);
  EXPECT_TRUE(got.items[0].text == large);
}

std::string bulk_of(std::size_t size) { return "$" + std::to_string(size) + "\r\n" + std::string(size, 'x') + "\r\n"; }

TEST(RedisParser, CutsStringsThatAreLongerThanTheLimitOfTheirPlace) {
  const std::string bytes = "*4\r\n" + bulk_of(1000) + bulk_of(1000) + bulk_of(300) + ":7\r\n";
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{128}, bytes.size()}) {
    parser p(parser::limits{});
    p.limit_values({1000, 500, 300});
    parser::status got = parser::status::more;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      std::string_view piece = std::string_view(bytes).substr(at, step);
      got = p.feed(piece);
    }
    ASSERT_EQ(got, parser::status::ready) << step;
    const reply r = p.take();
    ASSERT_EQ(r.items.size(), 4u);
    EXPECT_EQ(r.items[0].text.size(), 1000u);
    EXPECT_EQ(r.items[0].dropped, 0u);
    EXPECT_EQ(r.items[1].text, std::string(value_limits::kept, 'x'));
    EXPECT_EQ(r.items[1].dropped, 1000u - value_limits::kept);
    EXPECT_EQ(r.items[2].dropped, 0u);
    EXPECT_EQ(r.items[3].integer, 7);
  }
}

TEST(RedisParser, AppliesLimitsToSingleStringsAndToLaterRoundsOfAnArray) {
  parser p(parser::limits{});
  p.limit_values({200, 900});
  std::string bytes = bulk_of(201);
  std::string_view in = bytes;
  ASSERT_EQ(p.feed(in), parser::status::ready);
  EXPECT_EQ(p.take().dropped, 201u - value_limits::kept);
  bytes = "*3\r\n" + bulk_of(200) + bulk_of(900) + bulk_of(201);
  in = bytes;
  ASSERT_EQ(p.feed(in), parser::status::ready);
  const reply r = p.take();
  EXPECT_EQ(r.items[1].dropped, 0u);
  EXPECT_EQ(r.items[2].dropped, 201u - value_limits::kept);
}

TEST(RedisParser, LimitsNeitherErrorsNorPushesNorWhatHasNoLimits) {
  const std::string error_text = "!300\r\n" + std::string(300, 'e') + "\r\n";
  parser p(parser::limits{});
  p.limit_values({10});
  std::string bytes = error_text + ">2\r\n" + bulk_of(300) + bulk_of(300);
  std::string_view in = bytes;
  ASSERT_EQ(p.feed(in), parser::status::ready);
  EXPECT_EQ(p.take().text.size(), 300u);
  ASSERT_EQ(p.feed(in), parser::status::ready);
  EXPECT_EQ(p.take().items[1].text.size(), 300u);
  p.limit_values({});
  bytes = bulk_of(100'000);
  in = bytes;
  ASSERT_EQ(p.feed(in), parser::status::ready);
  EXPECT_EQ(p.take().text.size(), 100'000u);
}

// What is dropped counts against no limit of the reply.
TEST(RedisParser, PassesOverAStringThatIsLongerThanAReplyMayBe) {
  parser::limits small;
  small.bytes = 4096;
  parser p(small);
  p.limit_values({64});
  const std::string bytes = bulk_of(1'000'000) + ":1\r\n";
  std::string_view in = bytes;
  ASSERT_EQ(p.feed(in), parser::status::ready) << p.why();
  EXPECT_EQ(p.take().dropped, 1'000'000u - value_limits::kept);
  ASSERT_EQ(p.feed(in), parser::status::ready);
  EXPECT_EQ(p.take().integer, 1);
}

}  // namespace
}  // namespace mcpstate::redis
