// SPDX-License-Identifier: MIT
#include <mcpstate/manager/registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace mcpstate {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::map<std::string, std::string> environment = {
    {"TOKEN", "s3cret"}, {"EMPTY", ""}, {"HOST", "api.example"}, {"NUL", std::string("a\0b", 3)}};

std::optional<std::string> variable(const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::nullopt : std::optional<std::string>(found->second);
}

result<server_registry> parse(const std::string& servers) {
  return server_registry::parse(R"({"mcpServers":)" + servers + "}", variable);
}

registered_server only(const std::string& entry) {
  auto read = parse(R"({"one":)" + entry + "}");
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().full_text());
  return read ? *read->find("one") : registered_server();
}

TEST(Registry, ReadsPrograms) {
  const auto got = only(R"({"command":"/usr/bin/npx","args":["-y","x","${TOKEN}"],"env":{"KEY":"${TOKEN}","PLAIN":"a$b"},)"
                        R"("cwd":"/tmp/${HOST}"})");
  const auto& program = std::get<mcp::stdio_target>(got.target);
  EXPECT_EQ(program.command, (std::vector<std::string>{"/usr/bin/npx", "-y", "x", "s3cret"}));
  EXPECT_EQ(program.env, (std::vector<std::pair<std::string, std::string>>{{"KEY", "s3cret"}, {"PLAIN", "a$b"}}));
  EXPECT_EQ(program.cwd, "/tmp/api.example");
  EXPECT_EQ(got.transport, "stdio");
  EXPECT_EQ(got.shown, "npx");  // no argument may be a secret
  EXPECT_EQ(got.protocol, mcp::era_choice::automatic);
  EXPECT_FALSE(got.disabled);
}

TEST(Registry, ReadsAddresses) {
  const auto got = only(R"({"url":"https://${HOST}/mcp?key=${TOKEN}","headers":{"Authorization":"Bearer ${TOKEN}"},)"
                        R"("protocol":"legacy","disabled":true})");
  const auto& there = std::get<mcp::http_target>(got.target);
  EXPECT_EQ(there.url, "https://api.example/mcp?key=s3cret");
  EXPECT_EQ(there.headers, (std::vector<std::pair<std::string, std::string>>{{"Authorization", "Bearer s3cret"}}));
  EXPECT_EQ(got.shown, "https://api.example/mcp");
  EXPECT_EQ(got.transport, "http");
  EXPECT_EQ(got.protocol, mcp::era_choice::legacy);
  EXPECT_TRUE(got.disabled);
}

TEST(Registry, ReadsTheNamesOfTransports) {
  EXPECT_EQ(only(R"({"url":"http://h/","type":"sse"})").protocol, mcp::era_choice::sse);
  EXPECT_EQ(only(R"({"url":"http://h/","type":"sse"})").transport, "sse");
  EXPECT_EQ(only(R"({"url":"http://h/","type":"sse","protocol":"auto"})").protocol, mcp::era_choice::sse);
  EXPECT_EQ(only(R"({"url":"http://h/","protocol":"sse"})").transport, "sse");
  EXPECT_EQ(only(R"({"url":"http://h/","type":"streamable-http"})").transport, "http");
  EXPECT_EQ(only(R"({"url":"http://h/","transport":"http"})").protocol, mcp::era_choice::automatic);
  EXPECT_EQ(only(R"({"url":"http://h/","protocol":"modern"})").protocol, mcp::era_choice::modern);
  EXPECT_EQ(only(R"({"command":"x","type":"stdio"})").transport, "stdio");
}

TEST(Registry, ExpandsVariablesWithDefaults) {
  const auto arguments = [](const std::string& text) {
    return std::get<mcp::stdio_target>(only(R"({"command":"x","args":[")" + text + "\"]}").target).command.at(1);
  };
  EXPECT_EQ(arguments("${NONE:-d}"), "d");
  EXPECT_EQ(arguments("${EMPTY:-d}"), "d");  // as in a shell
  EXPECT_EQ(arguments("${EMPTY}"), "");
  EXPECT_EQ(arguments("${TOKEN:-d}"), "s3cret");
  EXPECT_EQ(arguments("${NONE:-}"), "");
  EXPECT_EQ(arguments("a${HOST}b${TOKEN}c"), "aapi.examplebs3cretc");
  EXPECT_EQ(arguments("${NONE:-a:-b}"), "a:-b");
  EXPECT_EQ(arguments("$TOKEN $$ $"), "$TOKEN $$ $");
}

TEST(Registry, ReportsUnknownMembers) {
  const auto got =
      server_registry::parse(R"({"mcpServers":{"a":{"command":"x","autoApprove":["${NONE}"]}},"inputs":[]})", variable);
  ASSERT_TRUE(got.has_value());
  EXPECT_THAT(got->remarks(), testing::UnorderedElementsAre(HasSubstr("autoApprove"), HasSubstr("inputs")));
  EXPECT_NE(got->find("a"), nullptr);
  EXPECT_EQ(got->find("b"), nullptr);
  EXPECT_EQ(got->all().size(), 1U);
}

struct wrong_case {
  const char* entry;
  const char* says;
};

class RegistryDefects : public testing::TestWithParam<wrong_case> {};

TEST_P(RegistryDefects, AreReportedWithoutTheirValues) {
  const auto got = parse(R"({"srv":)" + std::string(GetParam().entry) + "}");
  ASSERT_FALSE(got.has_value());
  EXPECT_TRUE(got.error().is(cond::invalid));
  EXPECT_THAT(got.error().full_text(), HasSubstr("srv"));
  EXPECT_THAT(got.error().full_text(), HasSubstr(GetParam().says));
  EXPECT_THAT(got.error().full_text(), Not(HasSubstr("s3cret")));
}

INSTANTIATE_TEST_SUITE_P(
    Registry, RegistryDefects,
    testing::Values(
        wrong_case{"[]", "no JSON object"}, wrong_case{"{}", "url is missing"},
        wrong_case{R"({"command":"s3cret","url":"http://h"})", "one of them"}, wrong_case{R"({"command":7})", "command"},
        wrong_case{R"({"command":""})", "empty"}, wrong_case{R"({"command":"${EMPTY}"})", "empty"},
        wrong_case{R"({"command":"x","args":"s3cret"})", "args"}, wrong_case{R"({"command":"x","args":[1]})", "args"},
        wrong_case{R"({"command":"x","env":["s3cret"]})", "env"}, wrong_case{R"({"command":"x","env":{"A":1}})", "env.A"},
        wrong_case{R"({"command":"x","env":{"A=s":"s3cret"}})", "impossible name"},
        wrong_case{R"({"command":"x","cwd":1})", "cwd"},
        wrong_case{R"({"command":"x","headers":{"A":"s3cret"}})", "headers"},
        wrong_case{R"({"url":"http://h","args":[]})", "args"}, wrong_case{R"({"url":"http://h","env":[]})", "env"},
        wrong_case{R"({"url":"ftp://s3cret"})", "url"}, wrong_case{R"({"url":"http://u:s3cret@h/"})", "url"},
        wrong_case{R"({"url":["s3cret"]})", "url"}, wrong_case{R"({"url":"http://h","headers":["s3cret"]})", "headers"},
        wrong_case{R"({"url":"http://h","headers":{"A":false}})", "headers.A"},
        wrong_case{R"({"url":"http://h","type":"s3cret"})", "type"},
        wrong_case{R"({"url":"http://h","type":"stdio"})", "type"},
        wrong_case{R"({"command":"x","transport":"sse"})", "transport"},
        wrong_case{R"({"url":"http://h","protocol":"s3cret"})", "protocol"},
        wrong_case{R"({"command":"x","protocol":"sse"})", "protocol"},
        wrong_case{R"({"url":"http://h","type":"sse","protocol":"modern"})", "contradicts"},
        wrong_case{R"({"url":"http://h","disabled":"s3cret"})", "disabled"},
        wrong_case{R"({"command":"${NONE}"})", "NONE is not set"},
        wrong_case{R"({"command":"s3cret ${TOKEN"})", "without its }"}, wrong_case{R"({"command":"${}"})", "not the name"},
        wrong_case{R"({"command":"${a b:-s3cret}"})", "not the name"}, wrong_case{R"({"command":"${NUL}"})", "zero byte"}));

TEST(Registry, RefusesMalformedFiles) {
  const auto says = [](const std::string& text) {
    const auto got = server_registry::parse(text, variable);
    return got ? std::string("read") : got.error().full_text();
  };
  EXPECT_THAT(says("{s3cret"), testing::AllOf(HasSubstr("no JSON"), Not(HasSubstr("s3cret"))));
  EXPECT_THAT(says("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(says("{}"), HasSubstr("mcpServers"));
  EXPECT_THAT(says(R"({"mcpServers":[]})"), HasSubstr("no JSON object"));
  EXPECT_THAT(says(R"({"mcpServers":{"":{"command":"x"}}})"), HasSubstr("name"));
  EXPECT_THAT(says(std::string(5'000'000, ' ')), HasSubstr("4 MB"));
  EXPECT_EQ(says(R"({"mcpServers":{}})"), "read");
}

}  // namespace
}  // namespace mcpstate
