// SPDX-License-Identifier: MIT
#include "mcp/json_slice.hh"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <random>
#include <string>

#include "support/seed.hh"

namespace mcpstate::mcp {
namespace {

namespace json = boost::json;

TEST(JsonSlice, Members) {
  const std::string text = " { \"a\" : 1.50e+2 ,\n\"b\\\"\":[1,{\"]\":\"}\"}] , \"c\":{} ,\"d\":\"\\\\\",\"e\":null}  ";
  ASSERT_FALSE(validate_json(text).has_value());
  const auto members = members_of(text);
  ASSERT_EQ(members.size(), 5U);
  EXPECT_EQ(members[0].key, "\"a\"");
  EXPECT_EQ(members[0].value, "1.50e+2");
  EXPECT_EQ(members[1].key, "\"b\\\"\"");
  EXPECT_EQ(members[1].value, "[1,{\"]\":\"}\"}]");
  EXPECT_EQ(members[2].value, "{}");
  EXPECT_EQ(members[3].value, "\"\\\\\"");
  EXPECT_EQ(members[4].value, "null");
}

TEST(JsonSlice, Elements) {
  EXPECT_TRUE(elements_of("[]").empty());
  EXPECT_TRUE(elements_of(" [ ] ").empty());
  const auto found = elements_of("[ 1 ,\"a,b\", [2,[3]] ,{\"x\":[]},true ]");
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0], "1");
  EXPECT_EQ(found[1], "\"a,b\"");
  EXPECT_EQ(found[2], "[2,[3]]");
  EXPECT_EQ(found[3], "{\"x\":[]}");
  EXPECT_EQ(found[4], "true");
}

TEST(JsonSlice, FindsNamesHoweverTheyAreSpelled) {
  EXPECT_EQ(find_member(R"({"n\u0061me":1})", "name"), "1");
  EXPECT_EQ(find_member(R"({"name":1,"name":2})", "name"), "2");
  EXPECT_EQ(find_member(R"({"x":{"name":1}})", "name"), std::nullopt);
  EXPECT_EQ(find_member("{}", "name"), std::nullopt);
  EXPECT_EQ(text_member(R"({"a":"\u00e9\n"})", "a"), "\xC3\xA9\n");
  EXPECT_EQ(text_member(R"({"a":7})", "a"), "");
}

TEST(JsonSlice, Validates) {
  for (const char* const good : {"{}", "[]", " {\"a\":[1,2,3]} ", "[\"\\ud83d\\ude00\"]"})
    EXPECT_FALSE(validate_json(good)) << good;
  for (const char* const bad :
       {"", " ", "{", "[1,]", "{\"a\"}", "{} x", "{}{}", "[01]", "[\"\xFF\"]", "[\"\n\"]", "nul", "{'a':1}"}) {
    EXPECT_TRUE(validate_json(bad)) << bad;
  }
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_FALSE(validate_json(nested(64)));
  EXPECT_TRUE(validate_json(nested(65)));
  EXPECT_TRUE(validate_json(nested(1'000'000)));
}

TEST(JsonSlice, Quotes) {
  EXPECT_EQ(quote_json("a\"b\\c\n"), R"("a\"b\\c\n")");
  EXPECT_EQ(text_of(quote_json(std::string("\x01\x7F\xC3\xA9 ", 5))), std::string("\x01\x7F\xC3\xA9 ", 5));
}

// Random documents with random white space, and what Boost.JSON makes of the slices.
class writer {
 public:
  explicit writer(std::uint64_t seed) : random_(seed) {}
  std::string value(int depth) {
    switch (pick(depth > 0 ? 7 : 5)) {
      case 0:
        return "null";
      case 1:
        return pick(2) != 0 ? "true" : "false";
      case 2:
        return std::to_string(static_cast<std::int64_t>(random_()));
      case 3:
        return std::to_string(pick(100)) + "." + std::to_string(pick(100)) + "e-" + std::to_string(pick(20));
      case 4:
        return text();
      case 5:
        return list('[', ']', depth, false);
      default:
        return list('{', '}', depth, true);
    }
  }
  std::string list(char open, char close, int depth, bool keys) {
    std::string out(1, open);
    out += space();
    const unsigned count = pick(5);
    for (unsigned i = 0; i < count; ++i) {
      if (i > 0) out += "," + space();
      if (keys) out += quote_json("k" + std::to_string(i) + "\"\\[{,:") + space() + ":" + space();
      out += value(depth - 1) + space();
    }
    return out + close;
  }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  std::string space() {
    static const char* const choices[] = {"", " ", "\n", "\t ", "\r\n"};
    return choices[pick(5)];
  }
  std::string text() {
    static const char* const parts[] = {"a", "\\\"", "\\\\",    "]",        "}",   "{", "[",
                                        ",", ":",    "\\u00e9", "\xC3\xA9", "\\/", " "};
    std::string out = "\"";
    for (unsigned i = pick(8); i > 0; --i) out += parts[pick(13)];
    return out + "\"";
  }
  std::mt19937_64 random_;
};

void expect_slices(std::string_view text, const json::value& whole) {
  if (whole.is_object()) {
    const auto members = members_of(text);
    ASSERT_EQ(members.size(), whole.get_object().size()) << text;
    for (const json_member& member : members) {
      const std::string key = text_of(member.key).value();
      ASSERT_TRUE(whole.get_object().contains(key));
      EXPECT_EQ(find_member(text, key), member.value);
      expect_slices(member.value, whole.get_object().at(key));
    }
  } else if (whole.is_array()) {
    const auto elements = elements_of(text);
    ASSERT_EQ(elements.size(), whole.get_array().size()) << text;
    for (std::size_t i = 0; i < elements.size(); ++i) expect_slices(elements[i], whole.get_array().at(i));
  } else {
    EXPECT_EQ(json::parse(json::string_view(text.data(), text.size())), whole) << text;
  }
}

TEST(JsonSlice, AgreesWithBoostJson) {
  writer random(test::seed());
  for (int round = 0; round < 500; ++round) {
    const std::string text = round % 2 == 0 ? random.list('{', '}', 4, true) : random.list('[', ']', 4, false);
    ASSERT_FALSE(validate_json(text)) << text;
    expect_slices(text, json::parse(text));
  }
}

// Nothing outside the text is read, whatever it is (AddressSanitizer looks).
TEST(JsonSlice, StaysInsideOfBrokenText) {
  const std::string text = R"({"a":[1,{"b":"c\"\\"},[[]]],"d":tru)";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string_view part(exact.data(), exact.size());
    EXPECT_LE(members_of(part).size(), 2U);
    EXPECT_LE(elements_of(part).size(), size + 1);
    EXPECT_FALSE(find_member(part, "nope"));
  }
}

}  // namespace
}  // namespace mcpstate::mcp
