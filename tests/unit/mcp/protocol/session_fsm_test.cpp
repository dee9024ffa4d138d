// SPDX-License-Identifier: MIT
#include "mcp/protocol/session_fsm.hh"

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
  EXPECT_EQ(hear(out, decode(welcome(version))).type, reaction::kind::complete);
  EXPECT_TRUE(out.on_initialize_answer(decode(welcome(version))).has_value());
  out.announce();
  return out;
}

TEST(SessionFsm, CompletesTheHandshake) {
  session_fsm session(identity("me \"quoted\"", "0.1"));
  EXPECT_EQ(session.current_phase(), phase::idle);
  EXPECT_FALSE(session.request("ping", "").has_value());
  const outgoing hello = session.initialize();
  EXPECT_EQ(hello.id, 1U);
  EXPECT_EQ(hello.text, R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
                        R"("capabilities":{},"clientInfo":{"name":"me \"quoted\"","version":"0.1"}}})");
  EXPECT_EQ(session.current_phase(), phase::initializing);
  EXPECT_FALSE(session.request("ping", "").has_value());
  EXPECT_TRUE(session.is_waiting(1));
  const auto reacted = hear(session, decode(welcome("2025-11-25")));
  ASSERT_EQ(reacted.type, reaction::kind::complete);
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
  EXPECT_EQ(session.current_phase(), phase::initialized);
  EXPECT_FALSE(session.request("ping", "").has_value());
  EXPECT_EQ(session.announce().text, R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  EXPECT_EQ(session.current_phase(), phase::ready);
  EXPECT_EQ(session.request("ping", "").value().text, R"({"jsonrpc":"2.0","id":2,"method":"ping"})");
}

TEST(SessionFsm, AcceptsKnownVersionsOnly) {
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
    EXPECT_EQ(session.current_phase(), phase::initializing);
  }
}

TEST(SessionFsm, RefusesUnusableHandshakeAnswers) {
  session_fsm session(identity());
  session.initialize();
  const auto code = [&](const char* text) { return session.on_initialize_answer(decode(text)).error().code(); };
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"no"}})"), errc::rpc_error);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"result":[]})"), errc::protocol);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"result":{}})"), errc::protocol);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":7}})"), errc::protocol);
}

TEST(SessionFsm, IgnoresMissingAndMistypedFacts) {
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

TEST(SessionFsm, AnswersEveryRequestOfTheServer) {
  session_fsm waiting(identity());
  waiting.initialize();
  auto ready = ready_session();
  for (session_fsm* const session : {&waiting, &ready}) {
    const auto ping = hear(*session, decode(R"({"jsonrpc":"2.0","id":"p","method":"ping"})"));
    EXPECT_EQ(ping.type, reaction::kind::send);
    EXPECT_EQ(ping.reply.id, 0U);
    EXPECT_EQ(ping.reply.text, R"({"jsonrpc":"2.0","id":"p","result":{}})");
    for (const char* const method : {"roots/list", "sampling/createMessage", "elicitation/create", "tasks/get", "x"}) {
      const auto other = hear(*session, decode(R"({"jsonrpc":"2.0","id":4,"method":")" + std::string(method) + "\"}"));
      EXPECT_EQ(other.reply.text, R"({"jsonrpc":"2.0","id":4,"error":{"code":-32601,"message":"Method not found"}})");
    }
    EXPECT_EQ(hear(*session, decode(R"({"jsonrpc":"2.0","method":"notifications/x"})")).type, reaction::kind::notify);
  }
}

TEST(SessionFsm, MatchesAnswersToRequests) {
  auto session = ready_session();
  const auto a = session.request("a", "").value().id;
  const auto b = session.request("b", "").value().id;
  EXPECT_NE(a, b);
  const auto answer = [](const std::string& id) { return decode(R"({"jsonrpc":"2.0","result":{},"id":)" + id + "}"); };
  EXPECT_EQ(hear(session, answer("99")).type, reaction::kind::none);
  EXPECT_EQ(hear(session, answer("\"x\"")).type, reaction::kind::none);
  const auto reacted = hear(session, answer("\"" + std::to_string(b) + "\""));
  EXPECT_EQ(reacted.type, reaction::kind::complete);
  EXPECT_EQ(reacted.id, b);
  EXPECT_EQ(hear(session, answer(std::to_string(b))).type, reaction::kind::none);  // twice
  EXPECT_TRUE(session.is_waiting(a));
}

TEST(SessionFsm, GivesAnErrorWithoutIdToTheOnlyRequest) {
  auto session = ready_session();
  const message lost = decode(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}})");
  EXPECT_EQ(hear(session, lost).type, reaction::kind::none);
  const auto a = session.request("a", "").value().id;
  session.request("b", "").value();
  EXPECT_EQ(hear(session, lost).type, reaction::kind::none);  // whose?
  session.abandon(a, "");
  EXPECT_EQ(hear(session, lost).type, reaction::kind::complete);
}

TEST(SessionFsm, CancelsAbandonedRequests) {
  auto session = ready_session();
  const auto id = session.request("a", "").value().id;
  const auto note = session.abandon(id, "too \"late\"");
  ASSERT_TRUE(note.has_value());
  EXPECT_EQ(note->text,
            R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,"reason":"too \"late\""}})");
  EXPECT_FALSE(session.abandon(id, "").has_value());
  EXPECT_EQ(hear(session, decode(R"({"jsonrpc":"2.0","result":{},"id":2})")).type, reaction::kind::none);
  session_fsm starting(identity());
  EXPECT_FALSE(starting.abandon(starting.initialize().id, "").has_value());  // initialize is never cancelled
}

TEST(SessionFsm, RefusesRequestsAfterClose) {
  auto session = ready_session();
  const auto id = session.request("a", "").value().id;
  session.close();
  EXPECT_EQ(session.current_phase(), phase::closed);
  EXPECT_EQ(session.request("a", "").error().code(), errc::stopped);
  EXPECT_FALSE(session.abandon(id, "").has_value());
  EXPECT_EQ(hear(session, decode(R"({"jsonrpc":"2.0","id":"p","method":"ping"})")).type, reaction::kind::none);
}

// A session whose client declares something.
session_fsm declaring(const std::string& capabilities) {
  client_identity who = identity();
  who.capabilities = capabilities;
  session_fsm out(who);
  out.initialize();
  EXPECT_EQ(hear(out, decode(welcome("2025-11-25"))).type, reaction::kind::complete);
  EXPECT_TRUE(out.on_initialize_answer(decode(welcome("2025-11-25"))).has_value());
  out.announce();
  return out;
}

message asked(const std::string& method, const std::string& params) {
  return decode(R"({"jsonrpc":"2.0","id":"q","method":")" + method + R"(","params":)" + params + "}");
}

message notified(const std::string& method, const std::string& params) {
  return decode(R"({"jsonrpc":"2.0","method":"notifications/)" + method + R"(","params":)" + params + "}");
}

TEST(SessionFsm, AsksTheHostForWhatWasDeclared) {
  auto session = declaring(R"({"roots":{},"elicitation":{},"sampling":{"tools":{}}})");
  for (const char* const method : {"roots/list", "sampling/createMessage", "elicitation/create"}) {
    const auto reacted = hear(session, asked(method, R"({"x":1})"));
    EXPECT_EQ(reacted.type, reaction::kind::ask) << method;
    EXPECT_EQ(reacted.msg.method, method);
    EXPECT_EQ(reacted.msg.id, "\"q\"");
    EXPECT_EQ(reacted.msg.body, R"({"x":1})");
  }
  EXPECT_EQ(hear(session, asked("tasks/get", "{}")).type, reaction::kind::send);
  auto only_roots = declaring(R"({"roots":{"listChanged":true}})");
  EXPECT_EQ(hear(only_roots, asked("roots/list", "{}")).type, reaction::kind::ask);
  const auto refused = hear(only_roots, asked("sampling/createMessage", "{}"));
  EXPECT_EQ(refused.type, reaction::kind::send);
  EXPECT_NE(refused.reply.text.find("-32601"), std::string::npos);
}

TEST(SessionFsm, AcceptsDeclaredElicitationModesOnly) {
  const std::string form = R"({"message":"m","requestedSchema":{}})";
  const std::string named_form = R"({"mode":"form","message":"m"})";
  const std::string url = R"({"mode":"url","message":"m","url":"https://example.org/"})";
  const auto takes = [](const std::string& capabilities, const std::string& params) {
    auto session = declaring(capabilities);
    const auto reacted = hear(session, asked("elicitation/create", params));
    if (reacted.type == reaction::kind::ask) return true;
    EXPECT_NE(reacted.reply.text.find("-32602"), std::string::npos) << reacted.reply.text;
    return false;
  };
  EXPECT_TRUE(takes(R"({"elicitation":{}})", form));
  EXPECT_TRUE(takes(R"({"elicitation":{}})", named_form));
  EXPECT_FALSE(takes(R"({"elicitation":{}})", url));
  EXPECT_TRUE(takes(R"({"elicitation":{"form":{}}})", form));
  EXPECT_FALSE(takes(R"({"elicitation":{"form":{}}})", url));
  EXPECT_FALSE(takes(R"({"elicitation":{"url":{}}})", form));
  EXPECT_TRUE(takes(R"({"elicitation":{"url":{}}})", url));
  EXPECT_FALSE(takes(R"({"elicitation":{"form":{},"url":{}}})", R"({"mode":"voice"})"));
}

TEST(SessionFsm, WithdrawsQuestionsThatTheServerCancels) {
  auto session = declaring(R"({"roots":{}})");
  for (const char* const id : {"\"q\"", "7"}) {
    const auto back = hear(session, notified("cancelled", R"({"requestId":)" + std::string(id) + R"(,"reason":"x"})"));
    EXPECT_EQ(back.type, reaction::kind::cancel);
    EXPECT_EQ(back.text, id);
  }
  // The server cannot end a request of ours in the old era.
  const auto id = session.request("tools/call", "{}").value().id;
  hear(session, notified("cancelled", R"({"requestId":)" + std::to_string(id) + "}"));
  EXPECT_TRUE(session.is_waiting(id));
  EXPECT_EQ(hear(session, notified("cancelled", "{}")).type, reaction::kind::none);
}

TEST(SessionFsm, ReportsListsThatChange) {
  auto session = ready_session();
  for (const char* const list : {"tools", "prompts", "resources"}) {
    const auto with = hear(session, notified(std::string(list) + "/list_changed", "{}"));
    EXPECT_EQ(with.type, reaction::kind::list_changed);
    EXPECT_EQ(with.text, list);
    const std::string bare = R"({"jsonrpc":"2.0","method":"notifications/)" + std::string(list) + R"(/list_changed"})";
    EXPECT_EQ(hear(session, decode(bare)).text, list);
  }
  for (const char* const method : {"notifications/list_changed", "notifications//list_changed", "tools/list_changed",
                                   "notifications/resources/updated", "notifications/message"}) {
    const auto told = hear(session, decode(R"({"jsonrpc":"2.0","method":")" + std::string(method) + "\"}"));
    EXPECT_EQ(told.type, reaction::kind::notify) << method;
    EXPECT_EQ(told.msg.method, method);
  }
}

TEST(SessionFsm, ReportsProgressOfARequest) {
  auto session = ready_session();
  request_extras with_progress;
  with_progress.progress = true;
  const auto sent = session.request("tools/call", R"({"name":"t","_meta":{"a":1,"progressToken":"mine"}})", with_progress);
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(sent->text, R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":)"
                        R"({"name":"t","_meta":{"a":1,"progressToken":2}}})");
  const auto moved = [](const std::string& token) {
    return notified("progress", R"({"progressToken":)" + token + R"(,"progress":0.5,"message":"m"})");
  };
  for (const char* const token : {"2", "\"2\""}) {
    const auto reacted = hear(session, moved(token));
    EXPECT_EQ(reacted.type, reaction::kind::progress) << token;
    EXPECT_EQ(reacted.id, 2U);
    EXPECT_NE(reacted.msg.body.find("0.5"), std::string::npos);
  }
  for (const char* const token : {"1", "3", "\"x\"", "null", "2.5"}) {
    EXPECT_EQ(hear(session, moved(token)).type, reaction::kind::none) << token;
  }
  EXPECT_EQ(hear(session, notified("progress", R"({"progress":1})")).type, reaction::kind::none);
  hear(session, decode(R"({"jsonrpc":"2.0","result":{},"id":2})"));
  EXPECT_EQ(hear(session, moved("2")).type, reaction::kind::none);  // late
}

TEST(SessionFsm, GivesAnErrorWithoutIdToTheRequestOfItsStream) {
  auto session = ready_session();
  const auto a = session.request("a", "").value().id;
  const auto b = session.request("b", "").value().id;
  const message lost = decode(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}})");
  const auto reacted = session.on_message(lost, b);
  EXPECT_EQ(reacted.type, reaction::kind::complete);
  EXPECT_EQ(reacted.id, b);
  EXPECT_TRUE(session.is_waiting(a));
  EXPECT_EQ(session.on_message(lost, b).type, reaction::kind::none);  // that one is answered
  EXPECT_TRUE(session.is_waiting(a));
  // An answer with an id belongs to whoever it names, whatever the stream.
  const auto named = session.on_message(decode(R"({"jsonrpc":"2.0","result":{},"id":)" + std::to_string(a) + "}"), b);
  EXPECT_EQ(named.id, a);
}

TEST(SessionFsm, ForgetsRequestsOnRestart) {
  auto session = ready_session("2025-03-26");
  const auto old = session.request("a", "").value().id;
  EXPECT_TRUE(session.batches());
  session.restart();
  EXPECT_EQ(session.current_phase(), phase::idle);
  EXPECT_FALSE(session.batches());
  EXPECT_FALSE(session.is_waiting(old));
  EXPECT_FALSE(session.request("a", "").has_value());
  EXPECT_FALSE(session.abandon(old, "").has_value());
  const auto hello = session.initialize();
  EXPECT_GT(hello.id, old);  // late answers meet nobody
  EXPECT_EQ(hear(session, decode(R"({"jsonrpc":"2.0","result":{},"id":)" + std::to_string(old) + "}")).type,
            reaction::kind::none);
  session.become_modern("2026-07-28", false);
  session.restart();
  EXPECT_FALSE(session.modern());
}

session_fsm modern_session(bool cancel_by_message) {
  client_identity who = identity();
  who.capabilities = R"({"elicitation":{}})";
  session_fsm out(who);
  EXPECT_TRUE(
      hear(out, decode(R"({"jsonrpc":"2.0","result":{},"id":)" + std::to_string(out.discover("2026-07-28").id) + "}"))
          .type == reaction::kind::complete);
  out.become_modern("2026-07-28", cancel_by_message);
  return out;
}

const std::string modern_meta = R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                                R"("io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},)"
                                R"("io.modelcontextprotocol/clientCapabilities":{"elicitation":{}})";

TEST(SessionFsm, AddsMetaAndHeadersToModernRequests) {
  auto session = modern_session(false);
  EXPECT_EQ(session.current_phase(), phase::ready);
  EXPECT_TRUE(session.modern());
  request_extras more;
  more.progress = true;
  more.headers.emplace_back("Mcp-Param-A", "1");
  const auto call = session.request("tools/call", R"({"name":"t","_meta":{"x":1}})", more);
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->text, R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t","_meta":{"x":1,)" +
                            modern_meta + R"(,"progressToken":2}}})");
  EXPECT_EQ(call->version, "2026-07-28");
  const http::header_list expected = {{"Mcp-Method", "tools/call"}, {"Mcp-Name", "t"}, {"Mcp-Param-A", "1"}};
  EXPECT_EQ(call->headers, expected);
  const auto list = session.request("tools/list", "");
  EXPECT_EQ(list->text, R"({"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"_meta":{)" + modern_meta + "}}}");
  // There are no requests of the server in this era, and nothing to answer them with.
  EXPECT_EQ(hear(session, asked("ping", "{}")).type, reaction::kind::none);
  EXPECT_EQ(hear(session, asked("elicitation/create", "{}")).type, reaction::kind::none);
}

TEST(SessionFsm, DiscoversInAnyPhase) {
  session_fsm session(identity());
  const outgoing probe = session.discover("2026-07-28");
  EXPECT_EQ(session.current_phase(), phase::idle);
  EXPECT_EQ(probe.method, "server/discover");
  EXPECT_EQ(probe.version, "2026-07-28");
  EXPECT_TRUE(session.is_waiting(probe.id));
  EXPECT_FALSE(session.abandon(probe.id, "").has_value());  // the era is not known: no message
  EXPECT_FALSE(session.is_waiting(probe.id));
}

TEST(SessionFsm, CancelsByMessageOnlyOverAPipe) {
  auto over_http = modern_session(false);
  EXPECT_FALSE(over_http.abandon(over_http.request("a", "").value().id, "x").has_value());
  auto over_pipe = modern_session(true);
  const auto id = over_pipe.request("a", "").value().id;
  const auto note = over_pipe.abandon(id, "x");
  ASSERT_TRUE(note.has_value());
  EXPECT_EQ(note->text, R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,"reason":"x",)"
                        R"("_meta":{)" +
                            modern_meta + "}}}");
  EXPECT_EQ(note->id, 0U);
}

TEST(SessionFsm, EndsASubscriptionThatAModernServerCancels) {
  auto session = modern_session(true);
  const auto id = session.request("subscriptions/listen", "{}").value().id;
  EXPECT_EQ(hear(session, notified("subscriptions/acknowledged", "{}")).type, reaction::kind::notify);
  EXPECT_EQ(hear(session, notified("cancelled", R"({"requestId":99})")).type, reaction::kind::cancel);
  const auto ended = hear(session, notified("cancelled", R"({"requestId":)" + std::to_string(id) + "}"));
  EXPECT_EQ(ended.type, reaction::kind::complete);
  EXPECT_EQ(ended.id, id);
  EXPECT_EQ(ended.msg.type, message::kind::result);
  EXPECT_FALSE(session.is_waiting(id));
}

}  // namespace
}  // namespace mcpstate::mcp
