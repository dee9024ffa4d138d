// SPDX-License-Identifier: MIT
#include "manager/servers/destination.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mcpstate {
namespace {

using testing::HasSubstr;
using testing::Not;

server_registry servers(const std::string& json) {
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  return server_registry::parse(R"({"mcpServers":)" + json + "}", none).value();
}

result<destination> find(const endpoint& target, const server_registry* registry = nullptr) {
  return find_destination(target, destination_rules(), registry);
}

TEST(Destination, ResolvesAUrl) {
  const auto got = find(by_url("https://API.example/mcp"));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(std::get<mcp::http_target>(got->target).url, got->url);
  EXPECT_EQ(got->transport, "http");
  EXPECT_TRUE(got->registered.empty());
  EXPECT_FALSE(got->egress.any_address);  // strict, by default
  EXPECT_EQ(find(by_url("https://h.example/a"))->origin, find(by_url("https://h.example:443/b"))->origin);
  EXPECT_NE(find(by_url("https://h.example/a"))->origin, find(by_url("https://h.example:444/a"))->origin);
}

TEST(Destination, RefusesUrlsWithSecrets) {
  for (const char* url : {"https://u:s3cret@h.example/", "https://s3cret@h.example/mcp", "https://h.example/mcp?k=s3cret"}) {
    const auto got = find(by_url(url));
    ASSERT_FALSE(got.has_value()) << url;
    EXPECT_TRUE(got.error().is(cond::invalid));
    EXPECT_THAT(got.error().full_text(), testing::AllOf(HasSubstr("register"), Not(HasSubstr("s3cret"))));
  }
}

TEST(Destination, RefusesUrlsThatThePolicyForbids) {
  EXPECT_EQ(find(by_url("http://h.example/")).error().code(), errc::forbidden_target);
  EXPECT_EQ(find(by_url("https://127.0.0.1/")).error().code(), errc::forbidden_target);
  EXPECT_EQ(find(by_url("ftp://h.example/")).error().code(), errc::bad_url);
  EXPECT_TRUE(find(by_url("")).error().is(cond::invalid));
}

TEST(Destination, ResolvesARegistration) {
  const auto known = servers(R"({"web":{"url":"http://127.0.0.1:1/mcp?k=s3cret","headers":{"A":"b"}},
                                 "prog":{"command":"/bin/x","args":["y"]},"off":{"command":"x","disabled":true}})");
  const auto web = find(by_registration("web"), &known);
  ASSERT_TRUE(web.has_value());
  EXPECT_EQ(web->url, "http://127.0.0.1:1/mcp");
  EXPECT_EQ(std::get<mcp::http_target>(web->target).url, "http://127.0.0.1:1/mcp?k=s3cret");
  EXPECT_EQ(web->origin, "http://127.0.0.1:1");
  EXPECT_TRUE(web->egress.any_address);  // the operator's own
  const auto program = find(by_registration("prog"), &known);
  ASSERT_TRUE(program.has_value());
  EXPECT_TRUE(program->url.empty());
  EXPECT_EQ(program->transport, "stdio");
  EXPECT_THAT(find(by_registration("off"), &known).error().detail(), HasSubstr("disabled"));
  EXPECT_TRUE(find(by_registration("none"), &known).error().is(cond::invalid));
  EXPECT_TRUE(find(by_registration("web")).error().is(cond::invalid));
}

TEST(Destination, ComparesEndpointsByTheirTarget) {
  details info;
  info.url = "http://h/";
  EXPECT_EQ(endpoint_key(endpoint_of(info)), endpoint_key(by_url("http://h/")));
  info.registered = "web";
  EXPECT_EQ(endpoint_key(endpoint_of(info)), endpoint_key(by_registration("web")));
  EXPECT_NE(endpoint_key(by_url("web")), endpoint_key(by_registration("web")));
}

TEST(Destination, NoticesAChangedServer) {
  const auto before = servers(R"({"a":{"url":"http://h/","headers":{"A":"1"}},"p":{"command":"x","env":{"A":"1"}}})");
  const auto after = servers(R"({"a":{"url":"http://h/","headers":{"A":"2"}},"p":{"command":"x","env":{"A":"2"}},
                                 "off":{"url":"http://h/","headers":{"A":"1"},"disabled":true}})");
  EXPECT_TRUE(same_server(before.find("a"), before.find("a")));
  EXPECT_FALSE(same_server(before.find("a"), after.find("a")));
  EXPECT_FALSE(same_server(before.find("p"), after.find("p")));
  EXPECT_FALSE(same_server(before.find("a"), before.find("p")));
  EXPECT_FALSE(same_server(before.find("a"), after.find("off")));
  EXPECT_FALSE(same_server(before.find("a"), nullptr));
  EXPECT_TRUE(same_server(nullptr, nullptr));
}

}  // namespace
}  // namespace mcpstate
