// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include <mcpstate/core/tools.hpp>

namespace mcpstate {
namespace {

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(ToolsList, HashesWithSha256) {
  EXPECT_EQ(sha256_tag(""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_tag("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_tag("[]"), "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945");
}

TEST(ToolsList, IsEmptyByDefault) {
  const tools_list none;
  EXPECT_EQ(none.bytes(), "[]");
  EXPECT_EQ(none.count(), 0U);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.hash(), sha256_tag("[]"));
}

struct good_list {
  std::string bytes;
  std::size_t count;
};

TEST(ToolsList, CountsHashesAndKeepsEveryByte) {
  const good_list lists[] = {
      {"[]", 0},
      {" \t\r\n[ ] \n", 0},
      {R"([{"name":"echo"}])", 1},
      {R"([{"name":"a","inputSchema":{"type":"object","properties":{"x":[1,2,{"y":[]}]}}},{"name":"b"}])", 2},
      {R"([ 1.0 , 1e5, -0, 1E+2, "é", "\u00e9", "\ud83d\ude00", null, true, false, {}, [] ])", 12},
      {R"([{"a":1,"a":2}])", 1},
      {R"([12345678901234567890123456789012345678901234567890])", 1},
      {"[\"日本語 😀\"]", 1},
      {nested(64), 1},
  };
  for (const good_list& good : lists) {
    const auto list = tools_list::parse(good.bytes);
    ASSERT_TRUE(list) << good.bytes << ": " << list.error().detail();
    EXPECT_EQ(list->bytes(), good.bytes);
    EXPECT_EQ(list->count(), good.count) << good.bytes;
    EXPECT_EQ(list->empty(), good.count == 0);
    EXPECT_EQ(list->hash(), sha256_tag(good.bytes));
  }
}

struct bad_list {
  std::string bytes;
  const char* detail;
};

TEST(ToolsList, NamesTheByteWhereItIsNoArray) {
  const bad_list lists[] = {
      {"", "tools are not a JSON array: incomplete JSON at byte 0"},
      {" ", "tools are not a JSON array: incomplete JSON at byte 1"},
      {"{}", "tools are not a JSON array: not an array at byte 0"},
      {"[1,2", "tools are not a JSON array: incomplete JSON at byte 4"},
      {"[] x", "tools are not a JSON array: extra data at byte 3"},
      {"[][]", "tools are not a JSON array: extra data at byte 2"},
      {"[1,]", "tools are not a JSON array: syntax error at byte 3"},
      {"[//c\n]", "tools are not a JSON array: syntax error at byte 1"},
      {"[\"\xff\"]", "tools are not a JSON array: syntax error at byte 2"},
      {"[\"\xed\xa0\x80\"]", "tools are not a JSON array: syntax error at byte 2"},
      {nested(65), "tools are not a JSON array: too deep at byte 64"},
  };
  for (const bad_list& bad : lists) {
    const auto list = tools_list::parse(bad.bytes);
    ASSERT_FALSE(list) << bad.bytes;
    EXPECT_EQ(list.error().code(), errc::bad_tools);
    EXPECT_EQ(list.error().detail(), bad.detail) << bad.bytes;
  }
}

TEST(ToolsList, RefusesOtherValuesAndDamage) {
  for (const char* bytes : {"null",
                            "true",
                            "12",
                            "-1.5e3",
                            "\"[]\"",
                            "]",
                            "[",
                            "[[]",
                            "[}",
                            "{]",
                            "[1 2]",
                            "[,]",
                            "['a']",
                            "[NaN]",
                            "[01]",
                            "[+1]",
                            "[.5]",
                            "[1.]",
                            "[\"\\x\"]",
                            "[\"\\ud800\"]",
                            "[\"a\nb\"]",
                            "[tru]",
                            "[\"a]",
                            "\xef\xbb\xbf[]",
                            "[]\x01",
                            "[\"\xc0\xaf\"]",
                            "[\"\xe2\x82\"]",
                            "[\"a\":1]",
                            "[{\"a\"}]",
                            "[{a:1}]",
                            "undefined"}) {
    const auto list = tools_list::parse(bytes);
    ASSERT_FALSE(list) << bytes;
    EXPECT_TRUE(list.error().is(cond::invalid));
  }
  EXPECT_FALSE(tools_list::parse(std::string("[]\0", 3)));
  EXPECT_FALSE(tools_list::parse(nested(1'000'000)));
}

// Every cut of a good list is no list: nothing partial is taken for a whole.
TEST(ToolsList, RefusesEveryPrefixOfAList) {
  const std::string whole = R"([{"name":"é","n":-1.25e+3,"t":[true,null]},"\u00e9"])";
  ASSERT_TRUE(tools_list::parse(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(tools_list::parse(whole.substr(0, length))) << length;
  }
}

TEST(ToolsList, HasAnExactLimit) {
  const std::string bytes = R"(["12345678"])";
  EXPECT_TRUE(tools_list::parse(bytes, bytes.size()));
  const auto over = tools_list::parse(bytes, bytes.size() - 1);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code(), errc::too_large);
  EXPECT_TRUE(over.error().is(cond::exhausted));
  EXPECT_EQ(over.error().detail(), "a tool list of 12 bytes is over the limit of 11");
  EXPECT_EQ(default_tools_limit, 16u * 1024 * 1024);
}

TEST(ToolsList, CountsALargeList) {
  std::string bytes = "[";
  for (int i = 0; i < 20'000; ++i) {
    bytes += i == 0 ? "" : ",";
    bytes += R"({"name":"tool","description":"does a thing","inputSchema":{"type":"object"}})";
  }
  bytes += "]";
  const auto list = tools_list::parse(bytes);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->count(), 20'000U);
}

TEST(ToolsList, SharesItsBytesWithCopies) {
  const tools_list one = *tools_list::parse("[1,2,3]");
  const tools_list copy = one;  // NOLINT(performance-unnecessary-copy-initialization): the copy is what is tested
  EXPECT_EQ(&one.bytes(), &copy.bytes());
}

}  // namespace
}  // namespace mcpstate
