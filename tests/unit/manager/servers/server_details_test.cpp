// SPDX-License-Identifier: MIT
#include "manager/servers/server_details.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

TEST(ServerDetails, HoldOnlyFactsOfTheHandshake) {
  mcp::server_facts facts;
  facts.transport = "http";
  facts.protocol_version = "2025-11-25";
  facts.title = "title";
  facts.version = "1.2";
  facts.capabilities = R"({"tools":{}})";
  details info;
  info.managed = true;
  info.url = "https://h/mcp";
  info.error.emplace();
  info.tools_hash = "sha256:x";
  const details before = info;
  set_server_details(info, facts);
  EXPECT_EQ(info.transport, "http");
  EXPECT_EQ(info.protocol_version, "2025-11-25");
  EXPECT_EQ(info.server_title, "title");
  EXPECT_EQ(info.server_version, "1.2");
  EXPECT_EQ(info.capabilities, R"({"tools":{}})");
  clear_server_details(info);
  EXPECT_EQ(info, before);
}

}  // namespace
}  // namespace mcpstate
