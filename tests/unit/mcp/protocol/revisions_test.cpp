// SPDX-License-Identifier: MIT
#include "mcp/protocol/revisions.hh"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace mcpstate::mcp {
namespace {

using headers = std::vector<std::pair<std::string, std::string>>;

client_identity who(std::string capabilities = "{}") {
  client_identity out;
  out.name = "c";
  out.version = "1";
  out.capabilities = std::move(capabilities);
  return out;
}

const std::string ours = R"("io.modelcontextprotocol/protocolVersion":"V","io.modelcontextprotocol/clientInfo":)"
                         R"({"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{"a":{}})";

std::string meta(const std::string& params, std::uint64_t token = 0) {
  return with_request_meta(params, who(R"({"a":{}})"), "V", token);
}

TEST(Protocol, KnowsModernAndLegacyVersions) {
  EXPECT_TRUE(is_modern_version("2026-07-28"));
  EXPECT_FALSE(is_modern_version("2025-11-25"));
  for (const char* const version : {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}) {
    EXPECT_TRUE(is_legacy_version(version));
  }
  for (const char* const version : {"2026-07-28", "", "2024-10-07"}) EXPECT_FALSE(is_legacy_version(version));
}

TEST(Protocol, AddsRequestMeta) {
  EXPECT_EQ(meta(""), R"({"_meta":{)" + ours + "}}");
  EXPECT_EQ(meta("{}"), R"({"_meta":{)" + ours + "}}");
  EXPECT_EQ(meta(R"({"name":"t", "arguments":{"n":1.50e+2}})"),
            R"({"name":"t","arguments":{"n":1.50e+2},"_meta":{)" + ours + "}}");
  EXPECT_EQ(meta("{}", 7), R"({"_meta":{)" + ours + R"(,"progressToken":7}})");
}

TEST(Protocol, MergesRequestMeta) {
  EXPECT_EQ(meta(R"({"_meta":{"traceparent":"00-ab","x":{"y":[1]}},"a":1})"),
            R"({"a":1,"_meta":{"traceparent":"00-ab","x":{"y":[1]},)" + ours + "}}");
  // Without a token of ours the caller's own stays.
  EXPECT_EQ(meta(R"({"_meta":{"progressToken":"p"}})"), R"({"_meta":{"progressToken":"p",)" + ours + "}}");
}

TEST(Protocol, OverridesReservedRequestMeta) {
  const std::string theirs = R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"W","k":1,)"
                             R"("io.modelcontextprotocol\/clientInfo":{},"progressToken":"p",)"
                             R"("io.modelcontextprotocol/clientCapabilities":{"all":{}}}})";
  EXPECT_EQ(meta(theirs, 3), R"({"_meta":{"k":1,)" + ours + R"(,"progressToken":3}})");
  for (const char* const odd : {R"({"_meta":null})", R"({"_meta":[1]})", R"({"_meta":"x"})"}) {
    EXPECT_EQ(meta(odd), R"({"_meta":{)" + ours + "}}") << odd;
  }
}

TEST(Protocol, QuotesRequestMeta) {
  client_identity odd;
  odd.name = "a\"b\\\n";
  odd.version = "é";
  const std::string out = with_request_meta("", odd, "V", 0);
  EXPECT_NE(out.find(R"({"name":"a\"b\\\n","version":"é"})"), std::string::npos) << out;
}

TEST(Protocol, AddsProgressTokens) {
  EXPECT_EQ(with_progress_token("", 5), R"({"_meta":{"progressToken":5}})");
  EXPECT_EQ(with_progress_token(R"({"name":"t"})", 5), R"({"name":"t","_meta":{"progressToken":5}})");
  EXPECT_EQ(with_progress_token(R"({"_meta":{"a":1,"progressToken":"x"},"name":"t"})", 5),
            R"({"name":"t","_meta":{"a":1,"progressToken":5}})");
}

TEST(Protocol, NamesMethodAndTargetInHeaders) {
  EXPECT_EQ(request_headers("tools/list", R"({"name":"x"})"), headers({{"Mcp-Method", "tools/list"}}));
  EXPECT_EQ(request_headers("tools/call", R"({"name":"t"})"), headers({{"Mcp-Method", "tools/call"}, {"Mcp-Name", "t"}}));
  EXPECT_EQ(request_headers("prompts/get", R"({"name":" p"})"),
            headers({{"Mcp-Method", "prompts/get"}, {"Mcp-Name", "=?base64?IHA=?="}}));
  EXPECT_EQ(request_headers("resources/read", R"({"uri":"a:\u00e9","name":"n"})"),
            headers({{"Mcp-Method", "resources/read"}, {"Mcp-Name", "=?base64?YTrDqQ==?="}}));
  EXPECT_EQ(request_headers("tools/call", ""), headers({{"Mcp-Method", "tools/call"}}));
  EXPECT_EQ(request_headers("tools/call", R"({"name":7})"), headers({{"Mcp-Method", "tools/call"}}));
  EXPECT_EQ(request_headers("tools/call", R"({"name":""})"), headers({{"Mcp-Method", "tools/call"}, {"Mcp-Name", ""}}));
}

message failure(std::string data) {
  message out;
  out.type = message::kind::failure;
  out.error_data = std::move(data);
  return out;
}

TEST(Protocol, ReadsSupportedVersionsFromARefusal) {
  EXPECT_EQ(versions_of_refusal(failure(R"({"supported":["a","b"],"requested":"c"})")),
            std::vector<std::string>({"a", "b"}));
  EXPECT_EQ(versions_of_refusal(failure(R"({"supported":["a",1,null]})")), std::vector<std::string>({"a"}));
  for (const char* const data : {"", "{}", "[]", "7", R"({"supported":"a"})", R"({"supported":[]})"}) {
    EXPECT_TRUE(versions_of_refusal(failure(data)).empty()) << data;
  }
}

TEST(Protocol, ReadsADiscoverAnswer) {
  const auto read = read_discover(
      R"({"supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{"listChanged":true},"prompts":{}},)"
      R"("instructions":"i","serverInfo":{"name":"old"},)"
      R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"n","version":"2"}}})");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->versions, std::vector<std::string>({"2026-07-28", "2025-11-25"}));
  EXPECT_EQ(read->server.server_name, "n");
  EXPECT_EQ(read->server.server_version, "2");
  EXPECT_EQ(read->server.instructions, "i");
  EXPECT_EQ(read->server.protocol_version, "");
  EXPECT_TRUE(read->server.has_tools);
  EXPECT_TRUE(read->server.tools_list_changed);
  EXPECT_TRUE(read->server.any_list_changed);
}

TEST(Protocol, ReadsServerInfoFromTheDiscoverBody) {
  for (const char* const rest : {"", R"(,"_meta":{})", R"(,"_meta":{"x":1})", R"(,"_meta":7)"}) {
    const auto read =
        read_discover(R"({"supportedVersions":[],"serverInfo":{"name":"n","version":"3"})" + std::string(rest) + "}");
    ASSERT_TRUE(read.has_value()) << rest;
    EXPECT_EQ(read->server.server_name, "n") << rest;
    EXPECT_EQ(read->server.server_version, "3") << rest;
    EXPECT_FALSE(read->server.has_tools);
    EXPECT_EQ(read->server.capabilities, "{}");
  }
}

TEST(Protocol, RefusesAMalformedDiscoverAnswer) {
  for (const char* const body : {"[]", "null", "{}", R"({"supportedVersions":"2026-07-28"})", R"({"capabilities":{}})"}) {
    const auto read = read_discover(body);
    ASSERT_FALSE(read.has_value()) << body;
    EXPECT_EQ(read.error().code(), errc::protocol);
  }
}

TEST(Protocol, NoticesAnnouncementsOfOtherLists) {
  const auto read =
      read_discover(R"({"supportedVersions":[],"capabilities":{"tools":{},"resources":{"listChanged":true}}})");
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->server.tools_list_changed);
  EXPECT_TRUE(read->server.any_list_changed);
}

TEST(Protocol, KnowsWhichCapabilityAMethodNeeds) {
  const std::string all = R"({"elicitation":{},"sampling":{},"roots":{"listChanged":true}})";
  for (const char* const method : {"elicitation/create", "sampling/createMessage", "roots/list"}) {
    EXPECT_TRUE(declares(all, method)) << method;
    EXPECT_FALSE(declares("{}", method)) << method;
  }
  for (const char* const method : {"", "ping", "roots", "tools/list"}) EXPECT_FALSE(declares(all, method)) << method;
  EXPECT_FALSE(declares(R"({"roots":true})", "roots/list"));
  EXPECT_FALSE(declares(R"({"roots":null})", "roots/list"));
}

TEST(Protocol, KnowsTheDeclaredElicitationModes) {
  EXPECT_TRUE(declares_elicitation_mode(R"({"elicitation":{}})", "form"));
  EXPECT_FALSE(declares_elicitation_mode(R"({"elicitation":{}})", "url"));
  EXPECT_TRUE(declares_elicitation_mode(R"({"elicitation":{"url":{}}})", "url"));
  EXPECT_FALSE(declares_elicitation_mode(R"({"elicitation":{"url":{}}})", "form"));
  EXPECT_FALSE(declares_elicitation_mode(R"({"elicitation":{"url":true}})", "url"));
  EXPECT_FALSE(declares_elicitation_mode("{}", "form"));
}

TEST(Protocol, RepeatsEverythingButCalls) {
  EXPECT_FALSE(is_repeatable("tools/call"));
  for (const char* const method : {"tools/list", "ping", "initialize", "resources/read", "server/discover"}) {
    EXPECT_TRUE(is_repeatable(method)) << method;
  }
}

TEST(Protocol, BuildsTheParametersOfACancellation) {
  EXPECT_EQ(cancel_params(7, "a\"b"), R"({"requestId":7,"reason":"a\"b"})");
}

}  // namespace
}  // namespace mcpstate::mcp
