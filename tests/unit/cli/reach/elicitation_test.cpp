// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "cli/reach/elicitation.hh"

namespace mcpstate::cli {
namespace {

using kind = form_field::kind;

form_field field_of(const std::string& schema, bool required = false) {
  const std::string params = R"({"message":"m","requestedSchema":{"type":"object","properties":{"p":)" + schema + "}" +
                             (required ? R"(,"required":["p"])" : "") + "}}";
  auto got = parse_form(params);
  EXPECT_TRUE(got) << params;
  EXPECT_EQ(got->fields.size(), 1U);
  return got->fields.front();
}

std::string answer(const form_field& field, const std::string& typed) {
  const auto got = parse_answer(field, typed);
  return got ? *got : "wrong: " + got.error().detail();
}

TEST(ElicitationForm, HoldsTheRequestedFields) {
  const auto got = parse_form(
      R"({"mode":"form","message":"Who?","requestedSchema":{"properties":{"a":{"type":"string"},"b":{"type":"boolean"}},"required":["b"]}})");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->message, "Who?");
  ASSERT_EQ(got->fields.size(), 2U);
  EXPECT_FALSE(got->fields[0].required);
  EXPECT_TRUE(got->fields[1].required);
  EXPECT_EQ(got->fields[1].type, kind::yes_no);
}

TEST(ElicitationForm, MayAskForConsentOnly) {
  const auto got = parse_form(R"({"message":"Sure?","requestedSchema":{"type":"object","properties":{}}})");
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->fields.empty());
}

TEST(ElicitationForm, RefusesWhatIsNoForm) {
  for (const char* wrong : {"", "[]", "{}", R"({"message":"m"})", R"({"requestedSchema":[]})"}) {
    const auto got = parse_form(wrong);
    ASSERT_FALSE(got) << wrong;
    EXPECT_EQ(got.error().code(), errc::protocol);
  }
  const auto page = parse_form(R"({"mode":"url","message":"m","url":"https://x/","elicitationId":"1"})");
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code(), errc::unsupported);
}

TEST(ElicitationQuestion, ShowsWhichAnswersAreAllowed) {
  EXPECT_EQ(question_text(field_of(R"({"type":"string"})", true)), "p: ");
  EXPECT_EQ(question_text(field_of(R"({"type":"string"})")), "p (may be left out): ");
  EXPECT_EQ(
      question_text(field_of(R"({"type":"string","title":"Name","description":"in full","maxLength":9,"default":"Ada"})")),
      "Name, in full (at most 9 characters) [Ada]: ");
  EXPECT_EQ(question_text(field_of(R"({"type":"string","format":"email"})")), "p (email; may be left out): ");
  EXPECT_EQ(question_text(field_of(R"({"type":"integer","minimum":0,"maximum":120,"default":36})")),
            "p (integer, 0 to 120) [36]: ");
  EXPECT_EQ(question_text(field_of(R"({"type":"boolean","default":true})")), "p (yes or no) [yes]: ");
  EXPECT_EQ(question_text(field_of(R"({"type":"string","enum":["r","g"],"enumNames":["Red","Green"],"default":"g"})")),
            "p (one of Red, Green) [Green]: ");
}

TEST(ElicitationQuestion, EscapesTerminalControls) {
  EXPECT_EQ(question_text(field_of(R"({"type":"string","title":"a\u001b[2Jb"})", true)), "a\\x1b[2Jb: ");
}

TEST(ElicitationAnswer, ChecksTheLengthOfText) {
  const auto field = field_of(R"({"type":"string","minLength":2,"maxLength":3})");
  EXPECT_EQ(answer(field, " \xc3\xa9\"x "), "\"\xc3\xa9\\\"x\"");
  EXPECT_EQ(answer(field, ""), "");
  EXPECT_EQ(answer(field, "a"), "wrong: it must have 2 to 3 characters");
  EXPECT_EQ(answer(field, "abcd"), "wrong: it must have 2 to 3 characters");
  EXPECT_EQ(answer(field, "\xff\xfe\x80"), "wrong: that is not UTF-8");
  EXPECT_EQ(answer(field_of(R"({"type":"string"})", true), "  "), "wrong: an answer is needed");
  EXPECT_EQ(answer(field_of(R"({"type":"string","default":""})", true), ""), "");
}

TEST(ElicitationAnswer, ChecksTheRangeOfNumbers) {
  const auto integer = field_of(R"({"type":"integer","minimum":-5,"maximum":50})");
  EXPECT_EQ(answer(integer, "-5"), "-5");
  EXPECT_EQ(answer(integer, "51"), "wrong: it must be -5 to 50");
  for (const char* wrong : {"1.5", "1e1"}) EXPECT_EQ(answer(integer, wrong), "wrong: that is not an integer") << wrong;
  const auto number = field_of(R"({"type":"number"})");
  EXPECT_EQ(answer(number, "1.50"), "1.50");
  for (const char* wrong : {"x", "1,2", ".5", "+1", "0x10", "\"1\"", "[1]", "1 2", "nan", "true"}) {
    EXPECT_EQ(answer(number, wrong), "wrong: that is not a number") << wrong;
  }
}

TEST(ElicitationAnswer, AcceptsYesAndNo) {
  const auto field = field_of(R"({"type":"boolean"})");
  for (const char* yes : {"y", "YES", "true", "1"}) EXPECT_EQ(answer(field, yes), "true");
  for (const char* no : {"n", "No", "false", "0"}) EXPECT_EQ(answer(field, no), "false");
  EXPECT_EQ(answer(field, "maybe"), "wrong: answer yes or no");
}

TEST(ElicitationAnswer, AcceptsTitlesAndValuesOfChoices) {
  const auto one =
      field_of(R"({"type":"string","oneOf":[{"const":"h1","title":"Superman"},{"const":"h2","title":"Wonder Woman"}]})");
  EXPECT_EQ(answer(one, "wonder woman"), "\"h2\"");
  EXPECT_EQ(answer(one, "h1"), "\"h1\"");
  EXPECT_EQ(answer(one, "h3"), "wrong: 'h3' is not one of them");
  const auto some = field_of(R"({"type":"array","minItems":1,"maxItems":2,"items":{"type":"string","enum":["a","b","c"]}})");
  EXPECT_EQ(answer(some, "a, C"), R"(["a","c"])");
  EXPECT_EQ(answer(some, "a,b,c"), "wrong: the number of them must be 1 to 2");
  EXPECT_EQ(answer(some, "a,,b"), "wrong: '' is not one of them");
  const auto titled = field_of(R"({"type":"array","items":{"anyOf":[{"const":"f1","title":"Tuna"}]},"default":["f1"]})");
  EXPECT_EQ(answer(titled, "tuna"), R"(["f1"])");
  EXPECT_EQ(question_text(titled), "p (any of Tuna; with commas between) [Tuna]: ");
}

}  // namespace
}  // namespace mcpstate::cli
