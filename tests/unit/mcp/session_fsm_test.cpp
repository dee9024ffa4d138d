// SPDX-License-Identifier: MIT
#include "mcp/session_fsm.hh"

#include <gtest/gtest.h>

#include <string>

namespace mcpstate::mcp {
namespace {

using phase = session_fsm::phase;
using reaction = session_fsm::reaction;

message decode(const std::string& text) { return decode_messages(text, false).value().at(0); }

std::string welcome(const std::string& version, const std::string& capabilities = R"({"tools":{"listChanged":true}})") {
  return R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":")" + version + R"(","capabilities":)" + capabilities +
         R"(,"serverInfo":{"name":"s","version":"2"},"instructions":"i"}})";
}

client_identity identity(std::string name = "c", std::string version = "1") {
  client_identity out;
  out.name = std::move(name);
  out.version = std::move(version);
  return out;
}

// What the session makes of a message that comes on a stream of nobody's in particular.
reaction hear(session_fsm& session, message in) { return session.on_message(std::move(in), 0); }

session_fsm ready_session(const std::string& version = "2025-11-25") {
  session_fsm out(identity());
  out.initialize();
  EXPECT_EQ(hear(out, decode(welcome(version))).what, reaction::kind::complete);
  EXPECT_TRUE(out.on_initialize_answer(decode(welcome(version))).has_value());
  out.announce();
  return out;
}

TEST(SessionFsm, Handshake) {
  session_fsm session(identity("me \"quoted\"", "0.1"));
  EXPECT_EQ(session.where(), phase::idle);
  EXPECT_FALSE(session.request("ping", "").has_value());
  const outgoing hello = session.initialize();
  EXPECT_EQ(hello.id, 1U);
  EXPECT_EQ(hello.text, R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
                        R"("capabilities":{},"clientInfo":{"name":"me \"quoted\"","version":"0.1"}}})");
  EXPECT_EQ(session.where(), phase::initializing);
  EXPECT_FALSE(session.request("ping", "").has_value());
  EXPECT_TRUE(session.is_waiting(1));
  const auto reacted = hear(session, decode(welcome("2025-11-25")));
  ASSERT_EQ(reacted.what, reaction::kind::complete);
  EXPECT_EQ(reacted.id, 1U);
  EXPECT_FALSE(session.is_waiting(1));
  const auto told = session.on_initialize_answer(reacted.msg);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->protocol_version, "2025-11-25");
  EXPECT_EQ(told->server_name, "s");
  EXPECT_EQ(told->server_version, "2");
  EXPECT_EQ(told->instructions, "i");
  EXPECT_EQ(told->capabilities, R"({"tools":{"listChanged":true}})");
  EXPECT_TRUE(told->has_tools);
  EXPECT_TRUE(told->tools_list_changed);
  EXPECT_EQ(session.where(), phase::initialized);
  EXPECT_FALSE(session.request("ping", "").has_value());
  EXPECT_EQ(session.announce().text, R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  EXPECT_EQ(session.where(), phase::ready);
  EXPECT_EQ(session.request("ping", "").value().text, R"({"jsonrpc":"2.0","id":2,"method":"ping"})");
}

TEST(SessionFsm, Versions) {
  for (const char* const version : {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}) {
    EXPECT_EQ(ready_session(version).batches(), std::string(version) == "2025-03-26");
  }
  session_fsm session(identity());
  session.initialize();
  for (const char* const version : {"2026-07-28", "2024-10-07", "1.0", "2025-11-25 "}) {
    const auto told = session.on_initialize_answer(decode(welcome(version)));
    ASSERT_FALSE(told.has_value()) << version;
    EXPECT_EQ(told.error().code(), errc::unsupported);
    EXPECT_EQ(told.error().peer_text(), version);
    EXPECT_EQ(session.where(), phase::initializing);
  }
}

TEST(SessionFsm, HandshakeAnswersThatCannotBeUsed) {
  session_fsm session(identity());
  session.initialize();
  const auto code = [&](const char* text) { return session.on_initialize_answer(decode(text)).error().code(); };
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"no"}})"), errc::rpc_error);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"result":[]})"), errc::protocol);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"result":{}})"), errc::protocol);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":7}})"), errc::protocol);
}

TEST(SessionFsm, FactsThatAreMissingOrOfAWrongType) {
  session_fsm session(identity());
  session.initialize();
  const auto bare =
      session.on_initialize_answer(decode(R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}})"));
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(bare->capabilities, "{}");
  EXPECT_FALSE(bare->has_tools);
  const auto odd = session.on_initialize_answer(decode(
      R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":true},"serverInfo":[]}})"));
  ASSERT_TRUE(odd.has_value());
  EXPECT_FALSE(odd->has_tools);
  EXPECT_EQ(odd->server_name, "");
}

TEST(SessionFsm, ServerRequestsAreAlwaysAnswered) {
  session_fsm waiting(identity());
  waiting.initialize();
  auto ready = ready_session();
  for (session_fsm* const session : {&waiting, &ready}) {
    const auto ping = hear(*session, decode(R"({"jsonrpc":"2.0","id":"p","method":"ping"})"));
    EXPECT_EQ(ping.what, reaction::kind::send);
    EXPECT_EQ(ping.reply.id, 0U);
    EXPECT_EQ(ping.reply.text, R"({"jsonrpc":"2.0","id":"p","result":{}})");
    for (const char* const method : {"roots/list", "sampling/createMessage", "elicitation/create", "tasks/get", "x"}) {
      const auto other = hear(*session, decode(R"({"jsonrpc":"2.0","id":4,"method":")" + std::string(method) + "\"}"));
      EXPECT_EQ(other.reply.text, R"({"jsonrpc":"2.0","id":4,"error":{"code":-32601,"message":"Method not found"}})");
    }
    EXPECT_EQ(hear(*session, decode(R"({"jsonrpc":"2.0","method":"notifications/x"})")).what, reaction::kind::told);
  }
}

TEST(SessionFsm, AnswersFindTheirRequests) {
  auto session = ready_session();
  const auto a = session.request("a", "").value().id;
  const auto b = session.request("b", "").value().id;
  EXPECT_NE(a, b);
  const auto answer = [](const std::string& id) { return decode(R"({"jsonrpc":"2.0","result":{},"id":)" + id + "}"); };
  EXPECT_EQ(hear(session, answer("99")).what, reaction::kind::none);
  EXPECT_EQ(hear(session, answer("\"x\"")).what, reaction::kind::none);
  const auto reacted = hear(session, answer("\"" + std::to_string(b) + "\""));
  EXPECT_EQ(reacted.what, reaction::kind::complete);
  EXPECT_EQ(reacted.id, b);
  EXPECT_EQ(hear(session, answer(std::to_string(b))).what, reaction::kind::none);  // twice
  EXPECT_TRUE(session.is_waiting(a));
}

TEST(SessionFsm, ErrorWithoutIdBelongsToTheOnlyRequest) {
  auto session = ready_session();
  const message lost = decode(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}})");
  EXPECT_EQ(hear(session, lost).what, reaction::kind::none);
  const auto a = session.request("a", "").value().id;
  session.request("b", "").value();
  EXPECT_EQ(hear(session, lost).what, reaction::kind::none);  // whose?
  session.abandon(a, "");
  EXPECT_EQ(hear(session, lost).what, reaction::kind::complete);
}

TEST(SessionFsm, AbandonedRequests) {
  auto session = ready_session();
  const auto id = session.request("a", "").value().id;
  const auto note = session.abandon(id, "too \"late\"");
  ASSERT_TRUE(note.has_value());
  EXPECT_EQ(note->text,
            R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,"reason":"too \"late\""}})");
  EXPECT_FALSE(session.abandon(id, "").has_value());
  EXPECT_EQ(hear(session, decode(R"({"jsonrpc":"2.0","result":{},"id":2})")).what, reaction::kind::none);
  session_fsm starting(identity());
  EXPECT_FALSE(starting.abandon(starting.initialize().id, "").has_value());  // initialize is never cancelled
}

TEST(SessionFsm, Closed) {
  auto session = ready_session();
  const auto id = session.request("a", "").value().id;
  session.close();
  EXPECT_EQ(session.where(), phase::closed);
  EXPECT_EQ(session.request("a", "").error().code(), errc::stopped);
  EXPECT_FALSE(session.abandon(id, "").has_value());
  EXPECT_EQ(hear(session, decode(R"({"jsonrpc":"2.0","id":"p","method":"ping"})")).what, reaction::kind::none);
}

}  // namespace
}  // namespace mcpstate::mcp
