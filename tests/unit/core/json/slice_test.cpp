// SPDX-License-Identifier: MIT
#include "core/json/slice.hh"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <ctime>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/seed.hh"

namespace mcpstate::mcp {
namespace {

namespace json = boost::json;

TEST(JsonSlice, FindsTheMembersOfAnObject) {
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

TEST(JsonSlice, FindsTheElementsOfAnArray) {
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

TEST(JsonSlice, AcceptsValidJsonOnly) {
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

// In keys and in values, of objects and of arrays: not one byte that is no UTF-8 gets in, and no half of a surrogate pair.
TEST(JsonSlice, RefusesInvalidUtf8AndHalfSurrogates) {
  const struct {
    std::string text;
    bool fine;
  } table[] = {
      {"\x7F", true},
      {"\xC2\x80", true},
      {"\xDF\xBF", true},
      {"\xE0\xA0\x80", true},
      {"\xED\x9F\xBF", true},
      {"\xEE\x80\x80", true},
      {"\xEF\xBF\xBF", true},
      {"\xF0\x90\x80\x80", true},
      {"\xF4\x8F\xBF\xBF", true},
      {"\\ud83d\\ude00", true},
      {"\\u0000", true},
      {"\x80", false},  // goes on, but nothing began
      {"\xBF", false},
      {"\xC2", false},  // cut off
      {"\xE2\x82", false},
      {"\xF0\x9F\x98", false},
      {"\xC2"
       "a",
       false},
      {"\xE2\x82"
       "a",
       false},
      {"\xC0\x80", false},  // over-long
      {"\xC1\xBF", false},
      {"\xE0\x9F\xBF", false},
      {"\xF0\x8F\xBF\xBF", false},
      {"\xED\xA0\x80", false},  // surrogates
      {"\xED\xBF\xBF", false},
      {"\xF4\x90\x80\x80", false},  // above U+10FFFF
      {"\xF5\x80\x80\x80", false},
      {"\xF8\x88\x80\x80\x80", false},
      {"\xFE", false},
      {"\xFF", false},
      {"\\ud83d", false},
      {"\\ude00", false},
      {"\\ud83d\\u0041", false},
      {"\\ud83dx", false},
      {std::string(1, '\0'), false},
      {"\x1F", false},
      {"\n", false},
  };
  for (const auto& row : table) {
    for (const std::string& before : {std::string(), std::string(100, 'a')}) {
      const std::string text = "\"" + before + row.text + "\"";
      for (const std::string& document :
           {"[" + text + "]", "{\"a\":" + text + "}", "{" + text + ":1}", "[{\"a\":[" + text + "]}]"})
        EXPECT_EQ(!validate_json(document).has_value(), row.fine) << document;
    }
  }
}

TEST(JsonSlice, ReadsNumbers) {
  const struct {
    const char* text;
    std::optional<double> number;
  } table[] = {
      {"0", 0},      {"-0", 0},      {"7", 7},        {"-7", -7},       {"1.5", 1.5},
      {"3e4", 3e4},  {"3E+4", 3e4},  {"25e-2", 0.25}, {"1e308", 1e308}, {"9007199254740993", 9007199254740992},
      {"1e309", {}}, {"-1e309", {}}, {"\"7\"", {}},   {"true", {}},     {"null", {}},
      {"{}", {}},    {"[7]", {}},    {"", {}},        {"inf", {}},      {"nan", {}},
      {"7 ", {}},    {"7x", {}},     {"-", {}},       {"+7", {}},
  };
  for (const auto& row : table) EXPECT_EQ(number_of(row.text), row.number) << row.text;
  EXPECT_EQ(number_of(std::string(1'000'000, '1')), std::nullopt);
}

// Keys and leaves in their order, as one line, by one walk that enters everything.
void walk_over(json_walk& walk, std::string& out) {
  const json_kind kind = walk.kind();
  if (kind != json_kind::object && kind != json_kind::array) {
    out += walk.take();
    return;
  }
  out += kind == json_kind::object ? '{' : '[';
  for (bool more = walk.enter(); more; more = walk.next()) {
    if (kind == json_kind::object) out.append(walk.take_key()) += ':';
    walk_over(walk, out);
    out += ',';
  }
  out += kind == json_kind::object ? '}' : ']';
}

TEST(JsonSlice, VisitsEveryValueInOrder) {
  const struct {
    const char* text;
    const char* seen;
  } table[] = {
      {"{}", "{}"},
      {" [ ] ", "[]"},
      {"[[],{},[{}]]", "[[],{},[{},],]"},
      {R"( { "a" : [ 1 , { } ] , "b\"" : "x,]" } )", R"({"a":[1,{},],"b\"":"x,]",})"},
      {"7", "7"},
      {R"(  "text" )", R"("text")"},
      {"", ""},
  };
  for (const auto& row : table) {
    json_walk walk(row.text);
    std::string seen;
    walk_over(walk, seen);
    EXPECT_EQ(seen, row.seen) << row.text;
  }
}

TEST(JsonSlice, TakesStringsWithEscapesWhole) {
  for (const std::string text :
       {R"("\\")", R"("a\"b")", R"("\\\"")", R"("\"\"\"")", R"("a\\",7)", R"("\u0022x")", R"("\\\\\\")"}) {
    json_walk walk(text);
    EXPECT_EQ(walk.take(), text.substr(0, text.find(',')));
  }
  // No JSON: nothing outside of it is read.
  for (const std::string text : {R"(")", R"("a)", R"("\)", R"("a\")", R"("a\\)"}) {
    json_walk walk(text);
    EXPECT_EQ(walk.take(), text);
  }
}

TEST(JsonSlice, TakesLinearTimeForStringsOfEscapes) {
  const auto seconds = [](const std::string& part, std::size_t times) {
    std::string text = "\"";
    for (std::size_t i = 0; i < times; ++i) text += part;
    text += '"';
    const auto begun = std::clock();
    json_walk walk(text);
    EXPECT_EQ(walk.take().size(), text.size());
    return static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
  };
  for (const char* const part : {R"(\\)", R"(\")", R"(a\\\")"})
    EXPECT_LT(seconds(part, 2'000'000), 40 * seconds(part, 200'000) + 0.1);
}

TEST(JsonSlice, RefusesMoreValuesThanAnybodyReads) {
  std::string text = "[";
  for (int i = 0; i < 999'998; ++i) text += "1,";
  EXPECT_EQ(validate_json(text + "1]"), std::nullopt);  // the array is one, too
  EXPECT_EQ(validate_json(text + "1,1]").value_or("").substr(0, 24), "more than 1000000 values");
}

// How far each step went is all that it read: together, no more than the text, however wide or deep. A step that looked
// ahead and came back would be seen by the position.
void expect_read_once(const std::string& text) {
  json_walk walk(text);
  std::vector<json_kind> open;
  std::size_t deepest = 0, steps = 0, backwards = 0, at = 0;
  for (bool more = true, fresh = true; more; ++steps) {  // without recursion: every step goes ahead
    if (!open.empty() && open.back() == json_kind::object) walk.take_key();
    const json_kind kind = walk.kind();
    const bool container = kind == json_kind::object || kind == json_kind::array;
    fresh = container && walk.enter();
    if (fresh) open.push_back(kind);
    if (!container) walk.take();
    deepest = std::max(deepest, open.size());
    while (!fresh && !open.empty() && !walk.next()) open.pop_back();
    more = !open.empty();
    backwards += walk.position() <= at ? 1U : 0U;
    at = walk.position();
  }
  EXPECT_EQ(backwards, 0U);
  EXPECT_EQ(at, text.size());
  EXPECT_LE(steps, text.size());
  EXPECT_LE(deepest, 64U);
}

TEST(JsonSlice, ReadsLargeDocumentsInLinearTime) {
  constexpr std::size_t large = 10'000'000, medium = 1'000'000;
  std::string wide = "{\"k\":0", arrays = "[0", mixed = "[{}", stairs;
  for (int i = 0; wide.size() < large; ++i) wide += ",\"" + std::string(100, 'k') + std::to_string(i) + "\":[1]";
  while (arrays.size() < medium) arrays += ",[]";
  while (mixed.size() < medium) mixed += R"(,{"a":{"b":["c"]}})";
  for (int i = 0; i < 60; ++i) {
    stairs += "{\"" + std::string(large / 120, 'k') + "\":\"" + std::string(large / 120, 'v') + "\",\"d\":";
  }
  const std::string deep = std::string(63, '[') + "\"" + std::string(medium, 'x') + "\"" + std::string(63, ']');
  for (const std::string& text : {wide + "}", arrays + "]", mixed + "]", deep, stairs + "0" + std::string(60, '}'),
                                  "{\"" + std::string(medium, 'k') + "\":1}", "[\"" + std::string(medium, 'x') + "\\n\"]",
                                  "[" + std::string(medium, '7') + "]"}) {
    ASSERT_FALSE(validate_json(text)) << text.substr(0, 20);
    expect_read_once(text);
  }
  // The others are one such walk each.
  EXPECT_EQ(find_member(wide + "}", "k"), "0");
  EXPECT_EQ(members_of(stairs + "0" + std::string(60, '}')).size(), 2U);
  EXPECT_EQ(elements_of(arrays + "]").size(), (arrays.size() - 2) / 3 + 1);
}

// Deeper than what is accepted: refused at the 65th level, not somewhere behind it, so that no stack grows with the text.
TEST(JsonSlice, RefusesDeepDocumentsAtThe65thLevel) {
  const std::string arrays(10'000'000, '[');
  std::string objects, mixed;
  while (objects.size() < 10'000'000) objects += "{\"a\":";
  while (mixed.size() < 10'000'000) mixed += "[{\"a\":";
  EXPECT_EQ(validate_json(arrays), "too deep at byte 64");
  EXPECT_EQ(validate_json(objects), "too deep at byte " + std::to_string(64 * 5));
  EXPECT_EQ(validate_json(mixed), "too deep at byte " + std::to_string(32 * 6));
  EXPECT_FALSE(validate_json(arrays.substr(0, 64) + std::string(64, ']')));
  // And whoever does not ask first gets an answer, too.
  EXPECT_EQ(elements_of(arrays).size(), 1U);
  EXPECT_EQ(members_of(objects).size(), 1U);
  EXPECT_FALSE(find_member(objects, "b"));
}

TEST(JsonSlice, QuotesText) {
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
TEST(JsonSlice, ReadsNothingBeyondTruncatedText) {
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
