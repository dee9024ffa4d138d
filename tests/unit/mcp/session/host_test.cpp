// SPDX-License-Identifier: MIT
#include <mcpstate/mcp/host.hpp>

#include <gtest/gtest.h>

#include <string>

namespace mcpstate::mcp {
namespace {

std::string with_properties(const std::string& properties) {
  return R"({"message":"m","requestedSchema":{"type":"object","properties":)" + properties + "}}";
}

std::string filled(const std::string& properties, const std::string& content) {
  const auto out = with_defaults(with_properties(properties), content);
  return out ? *out : "error " + std::string(name_of(out.error().code()));
}

TEST(ElicitationDefaults, FillWhatIsLeftOut) {
  const std::string properties = R"({"s":{"type":"string","default":"x\"y"},"n":{"type":"number","default":1.50},)"
                                 R"("i":{"type":"integer","default":3},"b":{"type":"boolean","default":false},)"
                                 R"("e":{"enum":["a","b"],"default":"b"},"l":{"type":"array","default":["q"]}})";
  EXPECT_EQ(filled(properties, "{}"), R"({"s":"x\"y","n":1.50,"i":3,"b":false,"e":"b","l":["q"]})");
  EXPECT_EQ(filled(properties, R"({"i":7,"b":true})"), R"({"i":7,"b":true,"s":"x\"y","n":1.50,"e":"b","l":["q"]})");
}

TEST(ElicitationDefaults, NeverReplaceWhatIsGiven) {
  const std::string properties = R"({"s":{"default":"x"}})";
  EXPECT_EQ(filled(properties, R"({"s":"mine"})"), R"({"s":"mine"})");
  EXPECT_EQ(filled(properties, R"({"s":null})"), R"({"s":null})");
  EXPECT_EQ(filled(properties, R"({"s":""})"), R"({"s":""})");
  EXPECT_EQ(filled(properties, R"({"\u0073":1})"), R"({"\u0073":1})");  // the same name, spelled otherwise
  EXPECT_EQ(filled(properties, R"({"other":1})"), R"({"other":1,"s":"x"})");
}

TEST(ElicitationDefaults, LeaveAnswersWithoutDefaultsAlone) {
  EXPECT_EQ(filled(R"({"s":{"type":"string"},"odd":true,"deep":{"properties":{"x":{"default":1}}}})", "{}"), "{}");
  EXPECT_EQ(filled("{}", R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(filled("[]", R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(with_defaults(R"({"requestedSchema":{}})", "{}").value(), "{}");
}

TEST(ElicitationDefaults, RefuseWhatIsNoElicitation) {
  for (const char* const params : {"", "[]", "{}", R"({"requestedSchema":[]})", R"({"mode":"url","url":"u"})", "{\"a\":"}) {
    const auto out = with_defaults(params, "{}");
    ASSERT_FALSE(out.has_value()) << params;
    EXPECT_EQ(out.error().code(), errc::protocol) << params;
  }
  for (const char* const content : {"", "[]", "null", "\"x\"", "{\"a\":}"}) {
    EXPECT_EQ(filled("{}", content), "error bad_argument") << content;
  }
}

}  // namespace
}  // namespace mcpstate::mcp
