// SPDX-License-Identifier: MIT
#include "core/json/text.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

TEST(ObjectWriter, WritesMembersInTheOrderOfTheCalls) {
  std::string out = "data: ";
  object_writer members(out);
  EXPECT_TRUE(members.empty());
  members.text("text", "a\"b");
  members.number("number", 18446744073709551615U);
  members.boolean("yes", true);
  members.boolean("no", false);
  members.time("at", from_iso8601("2026-11-22T14:30:59.5Z")->time);
  members.raw("raw", "[1, 2]");
  EXPECT_FALSE(members.empty());
  members.close();
  EXPECT_EQ(out, R"(data: {"text":"a\"b","number":18446744073709551615,"yes":true,"no":false,)"
                 R"("at":"2026-11-22T14:30:59.500000+00:00","raw":[1, 2]})");
}

TEST(ObjectWriter, OmitsAbsentMembers) {
  std::string out;
  object_writer members(out);
  members.number("number", std::optional<std::uint64_t>());
  members.time("at", std::optional<timestamp>());
  EXPECT_TRUE(members.empty());
  members.number("zero", std::optional<std::uint64_t>(0));
  members.time("epoch", std::optional<timestamp>(timestamp{}));
  members.close();
  EXPECT_EQ(out, R"({"zero":0,"epoch":"1970-01-01T00:00:00.000000+00:00"})");
}

TEST(ObjectWriter, WritesNestedObjects) {
  std::string out;
  object_writer members(out);
  object_writer first = members.object("first");
  first.close();
  object_writer second = members.object("second");
  second.number("n", 1U);
  object_writer third = second.object("third");
  third.text("t", "\xff");
  third.close();
  second.close();
  members.text("last", "");
  members.close();
  EXPECT_EQ(out, "{\"first\":{},\"second\":{\"n\":1,\"third\":{\"t\":\"\xef\xbf\xbd\"}},\"last\":\"\"}");
}

TEST(ObjectWriter, WithoutATextWritesOneOfItsOwn) {
  EXPECT_EQ(object_writer().text("a", "1").raw("b", "[]").str(), R"({"a":"1","b":[]})");
  EXPECT_EQ(object_writer().str(), "{}");
}

TEST(JsonList, HasTheTextOfEachElement) {
  const auto doubled = [](int n) { return std::to_string(2 * n); };
  EXPECT_EQ(json_list(std::vector<int>{1, 2}, doubled), "[2,4]");
  EXPECT_EQ(json_list(std::vector<int>{1, 2}, doubled, "\n"), "[\n2,\n4\n]");
  EXPECT_EQ(json_list(std::vector<std::string>(), {}, "\n"), "[]");
}

}  // namespace
}  // namespace mcpstate
