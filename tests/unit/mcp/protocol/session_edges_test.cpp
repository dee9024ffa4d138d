// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "mcp/protocol/session_fsm.hh"

// What a session makes of messages that do not fit it.
namespace mcpstate::mcp {
namespace {

using phase = session_fsm::phase;
using kind = session_fsm::reaction::kind;

message decode(const std::string& text) { return decode_messages(text, false).value().at(0); }

message cancelled(std::uint64_t id) {
  return decode(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" + std::to_string(id) + "}}");
}

session_fsm modern_session() {
  session_fsm out{client_identity()};
  out.become_modern("2026-07-28", true);
  return out;
}

// A call that a server no longer cares for has not succeeded.
TEST(SessionFsm, LetsModernServersEndOnlySubscriptions) {
  auto session = modern_session();
  const auto call = session.request("tools/call", R"({"name":"t"})").value().id;
  const auto listen = session.request("subscriptions/listen", "{}").value().id;
  EXPECT_NE(session.on_message(cancelled(call), 0).type, kind::complete);
  EXPECT_TRUE(session.is_waiting(call));
  const auto ended = session.on_message(cancelled(listen), 0);
  EXPECT_EQ(ended.type, kind::complete);
  EXPECT_EQ(ended.id, listen);
  EXPECT_FALSE(session.is_waiting(listen));
  EXPECT_NE(session.on_message(cancelled(listen), 0).type, kind::complete);
}

TEST(SessionFsm, IgnoresIncompleteNotifications) {
  auto session = modern_session();
  const auto call = session.request("tools/call", R"({"name":"t"})").value().id;
  for (const char* const method : {"progress", "cancelled"}) {
    for (const char* const params : {"", R"(,"params":[])", R"(,"params":{})", R"(,"params":null)"}) {
      const auto reacted = session.on_message(
          decode(R"({"jsonrpc":"2.0","method":"notifications/)" + std::string(method) + "\"" + params + "}"), call);
      EXPECT_TRUE(reacted.type == kind::notify || reacted.type == kind::none) << method << params;
      EXPECT_TRUE(session.is_waiting(call));
    }
  }
}

TEST(SessionFsm, StaysClosedAfterARestart) {
  auto session = modern_session();
  session.close();
  session.restart();
  EXPECT_EQ(session.current_phase(), phase::closed);
  EXPECT_EQ(session.request("a", "").error().code(), errc::stopped);
}

TEST(SessionFsm, IgnoresAnswersWithUnknownIds) {
  auto session = modern_session();
  const auto call = session.request("tools/call", R"({"name":"t"})").value().id;
  for (const char* const id : {"0", "-1", "1.0", "1e0", "18446744073709551617", "\" 1\"", "\"1.0\"", "\"\""}) {
    const auto reacted = session.on_message(decode(R"({"jsonrpc":"2.0","result":{},"id":)" + std::string(id) + "}"), call);
    EXPECT_EQ(reacted.type, kind::none) << id;
  }
  EXPECT_TRUE(session.is_waiting(call));
}

}  // namespace
}  // namespace mcpstate::mcp
