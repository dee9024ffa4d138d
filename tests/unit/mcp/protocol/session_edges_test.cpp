// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "mcp/protocol/session_fsm.hh"

// What a session makes of messages that do not fit it.
namespace mcpstate::mcp {
namespace {

using phase = session_fsm::phase;
using kind = session_fsm::reaction::kind;

message decoded(const std::string& text) { return decode_message(text).value(); }

message cancelled(std::uint64_t id) {
  return decoded(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" + std::to_string(id) +
                 "}}");
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
          decoded(R"({"jsonrpc":"2.0","method":"notifications/)" + std::string(method) + "\"" + params + "}"), call);
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
    auto read = decode_message(R"({"jsonrpc":"2.0","result":{},"id":)" + std::string(id) + "}");
    if (!read) continue;  // no id at all
    const auto reacted = session.on_message(std::move(*read), call);
    EXPECT_EQ(reacted.type, kind::none) << id;
  }
  EXPECT_TRUE(session.is_waiting(call));
}

// A program that was slow to start answers both questions in a row, the first one perhaps without its number.
TEST(SessionEdges, ALateErrorWithoutANumberIsNotTakenForTheNextAnswer) {
  for (const char* const late :
       {R"("id":null,"error":{"code":-32600,"message":"no"})", R"("error":{"code":-32700,"message":"no"})",
        R"("id":1,"error":{"code":-32601,"message":"no"})"}) {
    session_fsm session{client_identity()};
    const auto probe = session.discover("2026-07-28").id;
    EXPECT_FALSE(session.abandon(probe, "no answer in time"));
    const auto initialize = session.initialize().id;
    EXPECT_EQ(session.on_message(decoded(R"({"jsonrpc":"2.0",)" + std::string(late) + "}"), 0).type, kind::none) << late;
    EXPECT_TRUE(session.is_waiting(initialize)) << late;
    const auto second =
        session.on_message(decoded(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}})"), 0);
    EXPECT_EQ(second.type, kind::complete) << late;
    EXPECT_EQ(second.id, initialize) << late;
  }
}

}  // namespace
}  // namespace mcpstate::mcp
