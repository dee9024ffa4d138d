// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include <mcpstate/core/connection_json.hpp>

#include "unit/core/samples.hh"

namespace mcpstate {
namespace {

using test::at;

connection plain() { return connection(*owner::user("42"), "github"); }

TEST(Status, HasATextAndAKeyForEachOfFive) {
  struct row {
    status s;
    const char* text;
    const char* key;
  };
  constexpr row rows[] = {{status::disconnected, "DISCONNECTED", "DISCONNECTED"},
                          {status::connecting, "CONNECTING", "DISCONNECTED"},
                          {status::connected, "CONNECTED", "CONNECTED"},
                          {status::auth_required, "AUTH_REQUIRED", "FAILED"},
                          {status::failed, "FAILED", "FAILED"}};
  for (const row& r : rows) {
    EXPECT_EQ(to_text(r.s), r.text);
    EXPECT_EQ(to_key_text(r.s), r.key);
    EXPECT_EQ(status_from_text(r.text), r.s);
  }
  for (const char* other : {"", "connected", "Connected", "CONNECTED ", "CONNECT", "UNKNOWN", "FAILED\n"}) {
    EXPECT_FALSE(status_from_text(other)) << other;
  }
}

TEST(ConnectionJson, OmitsAbsentFacts) {
  EXPECT_EQ(to_json(plain()), R"({"owner":"user:42","server":"github","status":"DISCONNECTED","revision":0})");
}

TEST(ConnectionJson, WritesAllMembersInOrder) {
  connection c = plain();
  c.state = status::connected;
  c.revision = 1795357859553780;
  c.connected_at = at(test::connected_at_text);
  c.expires_at = at("2026-11-23T14:30:59.5Z");
  c.info = test::full_details();
  c.problems = {"connected_at has no time zone; read as UTC", "a \"second\" one"};
  c.tools = std::make_shared<const std::string>(R"([ {"name":"echo","x":1.0} ])");
  EXPECT_EQ(
      to_json(c),
      R"({"owner":"user:42","server":"github","status":"CONNECTED","revision":1795357859553780,)"
      R"("connected_at":"2026-11-22T14:30:59.553780+00:00","expires_at":"2026-11-23T14:30:59.500000+00:00",)"
      R"("checked_at":"2026-11-22T14:31:00.000000+00:00","managed":true,"registered":"github","transport":"http",)"
      R"("url":"https://mcp.example/mcp",)"
      R"("protocol_version":"2025-11-25","server_info":{"name":"GitHub \"MCP\"","version":"1.2.3"},)"
      R"("capabilities":{"tools":{"listChanged":true}},"tool_count":13,)"
      R"("tools_hash":"sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",)"
      R"("error":{"code":"deadline","message":"no answer in 30 s\nfrom …","at":"2026-11-22T14:32:00.000000+00:00",)"
      R"("attempt":2,"retry_at":"2026-11-22T14:33:00.000000+00:00"},)"
      R"("problems":["connected_at has no time zone; read as UTC","a \"second\" one"],"tools":[ {"name":"echo","x":1.0} ]})");
}

TEST(ConnectionJson, ShowsTheLastConnectionWhenThereIsNone) {
  connection c = plain();
  c.state = status::failed;
  c.info.last_connected_at = at("2026-11-20T10:00:00Z");
  EXPECT_EQ(to_json(c), R"({"owner":"user:42","server":"github","status":"FAILED","revision":0,)"
                        R"("last_connected_at":"2026-11-20T10:00:00.000000+00:00"})");
  c.state = status::connected;
  EXPECT_EQ(to_json(c), R"({"owner":"user:42","server":"github","status":"CONNECTED","revision":0})");
}

TEST(ConnectionJson, ShowsSinceWhenTheStatusIsSoAndHowOftenTheSessionWasRestarted) {
  connection c = plain();
  c.info.status_changed_at = at("2026-11-20T10:00:00Z");
  c.info.managed = true;
  c.info.restarts = 3;
  EXPECT_EQ(to_json(c), R"({"owner":"user:42","server":"github","status":"DISCONNECTED","revision":0,)"
                        R"("status_changed_at":"2026-11-20T10:00:00.000000+00:00","managed":true,"restarts":3})");
}

TEST(ConnectionJson, ShowsWhatIsKnownOfAnError) {
  connection c = plain();
  c.state = status::auth_required;
  c.info.error.emplace();
  c.info.error->code = "auth_failed";
  EXPECT_EQ(to_json(c), R"({"owner":"user:42","server":"github","status":"AUTH_REQUIRED","revision":0,)"
                        R"("error":{"code":"auth_failed","message":""}})");
}

TEST(ConnectionJson, StaysValidWithHostileText) {
  connection c(*owner::user("a\"b\\c\n"), "caf\xe9\x01");
  c.problems = {"\xff"};
  EXPECT_EQ(to_json(c),
            "{\"owner\":\"user:a\\\"b\\\\c\\n\",\"server\":\"caf\xef\xbf\xbd\\u0001\",\"status\":\"DISCONNECTED\","
            "\"revision\":0,\"problems\":[\"\xef\xbf\xbd\"]}");
}

TEST(ConnectionJson, SplicesInOnlyAJsonArray) {
  for (const char* junk : {"", "{}", "null", "[junk]", "[1],\"owner\":\"user:1\"", "[1", "[\"\xff\"]"}) {
    connection c = plain();
    c.tools = std::make_shared<const std::string>(junk);
    EXPECT_EQ(to_json(c), to_json(plain())) << junk;
  }
  connection c = plain();
  c.tools = std::make_shared<const std::string>("[]");
  EXPECT_EQ(to_json(c), R"({"owner":"user:42","server":"github","status":"DISCONNECTED","revision":0,"tools":[]})");
}

}  // namespace
}  // namespace mcpstate
