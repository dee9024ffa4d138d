// SPDX-License-Identifier: MIT
// What must not happen: that an entry which somebody has switched off is run, or that one wrong entry takes the others with it.
#include <mcpstate/manager/registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manager/servers/destination.hh"

namespace mcpstate {
namespace {

using testing::HasSubstr;
using testing::Not;

std::optional<std::string> entry_variable(const std::string& name) {
  return name == "TOKEN" ? std::optional<std::string>("of-process") : std::nullopt;
}

server_registry parse_entries(const std::string& servers) {
  return server_registry::parse(R"({"mcpServers":)" + servers + "}", entry_variable).value();
}

registered_server entry(const std::string& text) {
  return *parse_entries(R"({"good":{"command":"x"},"one":)" + text + "}").find("one");
}

TEST(RegistryEntries, NeverRunWhatIsSwitchedOff) {
  for (const char* off :
       {R"("disabled":true)", R"("enabled":false)", R"("isActive":false)", R"("is_active":false)", R"("Enabled":false)",
        R"("active":false)", R"("disable":true)", R"("isDisabled":true)", R"("enabled":true,"disabled":true)",
        R"("disabled":false,"enabled":false)", R"("isActive":true,"enabled":false)"}) {
    const auto got =
        parse_entries(R"({"one":{"command":"x",)" + std::string(off) + R"(},"two":{"url":"http://h/",)" + off + "}}");
    EXPECT_TRUE(got.find("one")->disabled) << off;
    EXPECT_TRUE(got.find("two")->disabled) << off;
    EXPECT_TRUE(got.remarks().empty()) << off;
    EXPECT_FALSE(find_destination(by_registration("one"), destination_rules(), &got)) << off;
  }
  for (const char* on : {R"("disabled":false)", R"("enabled":true)", R"("isActive":true,"enabled":true)"}) {
    EXPECT_FALSE(entry(R"({"command":"x",)" + std::string(on) + "}").disabled) << on;
  }
}

TEST(RegistryEntries, AreNotRunWhenASwitchCannotBeRead) {
  for (const char* odd : {R"("enabled":"false")", R"("isActive":0)", R"("disabled":null)", R"("active":[])"}) {
    const auto got = entry(R"({"command":"x",)" + std::string(odd) + "}");
    EXPECT_THAT(got.fault, HasSubstr("neither true nor false")) << odd;
  }
}

TEST(RegistryEntries, ExpandVariablesOfTheirOwn) {
  const auto got = entry(R"({"command":"${BIN}","args":["--key=${KEY}","${NONE:-d}"],"cwd":"/${BIN}","env":)"
                         R"({"BIN":"run","KEY":"own-secret","TOKEN":"own-${TOKEN}"}})");
  EXPECT_EQ(got.fault, "");
  const auto& program = std::get<mcp::stdio_target>(got.target);
  EXPECT_EQ(program.command, (std::vector<std::string>{"run", "--key=own-secret", "d"}));
  EXPECT_EQ(program.cwd, "/run");
  EXPECT_EQ(program.env.back().second, "own-of-process");
  EXPECT_THAT(*got.secrets, testing::Contains("own-secret"));
}

TEST(RegistryEntries, PreferTheirOwnVariables) {
  const auto got = entry(R"({"command":"x","args":["${TOKEN}"],"env":{"TOKEN":"own"}})");
  EXPECT_EQ(std::get<mcp::stdio_target>(got.target).command.back(), "own");
}

TEST(RegistryEntries, ExpandVariablesOfTheirOwnInUrlsAndHeaders) {
  const auto got = entry(R"({"url":"http://${WHERE}/?key=${KEY}","headers":{"Authorization":"Bearer ${KEY}"},)"
                         R"("env":{"WHERE":"h:1","KEY":"own-secret"}})");
  EXPECT_EQ(got.fault, "");
  const auto& there = std::get<mcp::http_target>(got.target);
  EXPECT_EQ(there.url, "http://h:1/?key=own-secret");
  EXPECT_EQ(there.headers.front().second, "Bearer own-secret");
  EXPECT_THAT(*got.secrets, testing::Contains("own-secret"));
}

TEST(RegistryEntries, DoNotSeeOneAnothersVariables) {
  const auto got = parse_entries(R"({"a":{"command":"x","env":{"KEY":"1","OTHER":"2"}},"b":{"command":"${KEY}"},)"
                                 R"("c":{"command":"x","env":{"A":"${B}","B":"b"}}})");
  EXPECT_THAT(got.find("b")->fault, HasSubstr("KEY is not set"));
  EXPECT_THAT(got.find("c")->fault, HasSubstr("B is not set"));
}

TEST(RegistryEntries, FailAlone) {
  for (const char* wrong : {R"({"url":"http://h","headers":{"Authorization":"s3cret ${NONE}"}})",
                            R"({"command":"x","args":"s3cret"})", "[]", "null", R"({"command":"x","url":"http://h"})",
                            R"({"url":"ftp://s3cret"})", R"({"url":"http://h","type":"s3cret"})"}) {
    const auto got = parse_entries(R"({"good":{"command":"x"},"bad":)" + std::string(wrong) + "}");
    ASSERT_EQ(got.all().size(), 2U) << wrong;
    EXPECT_EQ(got.find("good")->fault, "");
    EXPECT_TRUE(find_destination(by_registration("good"), destination_rules(), &got)) << wrong;
    EXPECT_THAT(got.find("bad")->fault, testing::AllOf(HasSubstr("'bad'"), Not(HasSubstr("s3cret")))) << wrong;
    const auto nobody = find_destination(by_registration("bad"), destination_rules(), &got);
    ASSERT_FALSE(nobody) << wrong;
    EXPECT_EQ(nobody.error().code(), errc::bad_argument);
    EXPECT_THAT(nobody.error().detail(), HasSubstr(got.find("bad")->fault));
  }
}

TEST(RegistryEntries, WithAWrongNameAreLeftOut) {
  const auto got = parse_entries(R"({"good":{"command":"x"},"":{"command":"y"}})");
  EXPECT_EQ(got.all().size(), 1U);
  EXPECT_THAT(got.remarks(), testing::ElementsAre(HasSubstr("the name ''")));
}

TEST(RegistryEntries, AreAllWrongOnlyInAFileThatIsRefused) {
  const auto got = server_registry::parse(R"({"mcpServers":{"a":{},"b":{"command":7}}})", entry_variable);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().detail(), HasSubstr("'a'"));
}

TEST(RegistryEntries, SayWhetherOwnersShareTheirProgram) {
  EXPECT_TRUE(is_shared_program(entry(R"({"command":"x"})")));
  EXPECT_TRUE(is_shared_program(entry(R"({"command":"x","env":{"A":"b"},"cwd":"/tmp"})")));
  EXPECT_FALSE(is_shared_program(entry(R"({"command":"x","disabled":true})")));
  EXPECT_FALSE(is_shared_program(entry(R"({"url":"http://h/"})")));
  EXPECT_FALSE(is_shared_program(entry(R"({"command":7})")));
}

TEST(RegistryEntries, ThatBecomeRightAreOtherServers) {
  const auto wrong = entry(R"({"command":"x","cwd":"${NONE}"})");
  const auto right = entry(R"({"command":"x"})");
  EXPECT_FALSE(same_server(&wrong, &right));
  EXPECT_TRUE(same_server(&wrong, &wrong));
}

}  // namespace
}  // namespace mcpstate
