// SPDX-License-Identifier: MIT
// Servers that work, and say what they have to say in a way of their own: sessions lost inside an answer, sloppy answers to
// server/discover, revisions refused instead of negotiated.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using mcp::era;

// How a server says that it does not know a session.
struct loss_words {
  int status, code;
  const char* words;
};

// A server with sessions, which forgets them when it is told to.
struct forgetful_server {
  explicit forgetful_server(loss_words how) : said(how) {}
  loss_words said;
  int sessions = 0;
  bool forgot = false;
  bool always = false;  // refuses all calls so
  std::vector<std::string> refused;

  http_reply answer(const http_seen& request) {
    if (request.rpc_method == "initialize") {
      forgot = false;
      return welcome_reply(request, R"({"tools":{}})", "session-" + std::to_string(++sessions));
    }
    const auto id = request.headers.find("mcp-session-id");
    const bool known = id != request.headers.end() && id->second == "session-" + std::to_string(sessions) && !forgot;
    const bool refuses = !known || (always && request.rpc_method == "tools/call");
    if (id == request.headers.end() || !refuses || request.rpc_method.empty()) return usual_reply(request);
    refused.push_back(request.rpc_method);
    return error_reply(request, said.status, said.code, said.words);
  }
};

const std::vector<loss_words> usual_words = {
    {200, -32001, "Session not found"},
    {200, -32600, "Server not initialized"},
    {200, -32602, "Received request before initialization was complete"},
    {400, -32600, "Bad Request: No valid session ID provided"},
    {400, -32000, "Bad Request: Server not initialized"},
    {422, -32600, "session expired"},
    {404, -32001, "Session not found"},
    {403, -32000, "unknown session"},
    {500, -32603, "no active session"},
    {410, -32099, "Session was terminated"},
};

asio::awaitable<void> works_on(mcp::client& client, forgetful_server& server) {
  CO_ASSERT_OK(co_await client.list_tools());
  server.forgot = true;
  CO_ASSERT_OK(co_await client.ping());
  EXPECT_EQ(server.sessions, 2);
  server.forgot = true;
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(server.sessions, 3);
  EXPECT_EQ(std::count(server.refused.begin(), server.refused.end(), "ping"), 1);
  EXPECT_EQ(std::count(server.refused.begin(), server.refused.end(), "tools/call"), 1);
}

void with_sessions(forgetful_server& server, const mcp::client_options& options, const play_body& body) {
  with_client([&server](const http_seen& request) { return server.answer(request); }, options, body);
}

TEST(LostSession, ToldInsideAnAnswerIsNeverTakenForAlive) {
  for (const loss_words& each : usual_words) {
    SCOPED_TRACE(std::to_string(each.status) + " " + each.words);
    forgetful_server server(each);
    with_sessions(server, test_options(), [&](mcp::client& client, scripted_server&) { return works_on(client, server); });
  }
}

asio::awaitable<void> ends(mcp::client& client, forgetful_server& server) {
  CO_ASSERT_OK(co_await client.list_tools());
  server.forgot = true;
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::connection_lost);  // and not outcome_unknown: it was refused
}

TEST(LostSession, IsToldToAHostThatOpensItsSessionsItself) {
  for (const loss_words& each : usual_words) {
    SCOPED_TRACE(std::to_string(each.status) + " " + each.words);
    forgetful_server server(each);
    auto options = test_options();
    const auto user = std::make_shared<recording_host>();
    options.user = user;
    options.reopen = false;
    with_sessions(server, options, [&](mcp::client& client, scripted_server&) { return ends(client, server); });
    EXPECT_EQ(user->lost.size(), 1U);
    EXPECT_EQ(server.sessions, 1);
  }
}

// A tool that speaks of sessions of its own.
asio::awaitable<void> refuses_again_and_again(mcp::client& client, forgetful_server& server) {
  CO_ASSERT_OK(co_await client.list_tools());
  for (int i = 0; i < 20; ++i) {
    auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
    CO_ASSERT_TRUE(!called);
    EXPECT_NE(called.error().code(), errc::connection_lost) << called.error().detail();
  }
  EXPECT_EQ(server.sessions, 1);
  CO_ASSERT_OK(co_await client.list_tools());
}

TEST(LostSession, RefusalOfAToolIsNeverTakenForOne) {
  for (const loss_words& each :
       {loss_words{200, -32602, "session 'x' not found"}, loss_words{200, -32000, "session is busy"},
        loss_words{200, -32603, "your session has expired"}}) {
    SCOPED_TRACE(each.words);
    forgetful_server server(each);
    server.always = true;
    with_sessions(server, test_options(),
                  [&](mcp::client& client, scripted_server&) { return refuses_again_and_again(client, server); });
  }
}

asio::awaitable<void> is_checked(mcp::client& client, forgetful_server& server) {
  CO_ASSERT_OK(co_await client.list_tools());
  server.forgot = true;
  auto answered = co_await client.ping();
  CO_ASSERT_FAILS(answered, errc::connection_lost);
}

// Words that say nothing: the list, which was answered before, decides.
TEST(LostSession, WithoutAWordAboutItIsNeverTakenForAlive) {
  for (const loss_words& each : {loss_words{400, -32602, "Invalid request parameters"}, loss_words{200, -32603, "KeyError"},
                                 loss_words{200, -32099, ""}}) {
    SCOPED_TRACE(each.words);
    forgetful_server server(each);
    auto options = test_options();
    options.reopen = false;
    with_sessions(server, options, [&](mcp::client& client, scripted_server&) { return is_checked(client, server); });
  }
}

// Legacy servers whose answer to a method that they do not know is sloppy.

std::string rpc(const http_seen& request, const std::string& rest) {
  return R"({"jsonrpc":"2.0","id":)" + request.rpc_id + rest + "}";
}

http_reply hang() {
  http_reply out("");
  out.after = http_reply::then::hang;
  return out;
}

http_reply hang_up() {
  http_reply out("");
  out.after = http_reply::then::close;
  return out;
}

using sloppy = std::function<http_reply(const http_seen&)>;

void probe(const std::string& name, sloppy answer, bool batches = false) {
  SCOPED_TRACE(name);
  plan what;
  what.options.connect_timeout = 2s;
  what.answer = [answer, batches](const http_seen& request) {
    if (request.method != "POST") return empty_reply(405);
    if (request.rpc_method == "server/discover") return answer(request);
    if (!batches || request.rpc_id.empty()) return usual_reply(request);
    const bool begins = request.rpc_method == "initialize";
    return json_reply(
        200, "[" + rpc(request, R"(,"result":)" + (begins ? initialize_result : R"({"tools":[)" + plain_tool + "]}")) + "]");
  };
  what.on_end = [](const scripted_server& server) {
    EXPECT_EQ(server.count("server/discover"), 1);
    EXPECT_EQ(server.count("initialize"), 1);
  };
  run(what);
}

TEST(SloppyDiscover, IsNeverTheVerdictOfAServerThatWorks) {
  probe("500", [](const http_seen&) { return text_reply(500, "text/plain", "Internal Server Error"); });
  probe("500 json", [](const http_seen&) { return json_reply(500, R"({"detail":"KeyError: 'server/discover'"})"); });
  probe("500 rpc", [](const http_seen& r) { return error_reply(r, 500, -32603, "Internal error"); });
  probe("501", [](const http_seen&) { return empty_reply(501); });
  probe("502", [](const http_seen&) { return json_reply(502, R"({"message":"Internal server error"})"); });
  probe("empty json", [](const http_seen&) { return json_reply(200, ""); });
  probe("empty", [](const http_seen&) { return empty_reply(200); });
  probe("202", [](const http_seen&) { return empty_reply(202); });
  probe("204", [](const http_seen&) { return empty_reply(204); });
  probe("null", [](const http_seen&) { return json_reply(200, "null"); });
  probe("{}", [](const http_seen&) { return json_reply(200, "{}"); });
  probe("text", [](const http_seen&) { return json_reply(200, R"({"error":"Unknown method: server/discover"})"); });
  probe("no message", [](const http_seen& r) { return json_reply(200, rpc(r, "")); });
}

TEST(SloppyDiscover, NorAreOddErrorsAndResults) {
  probe("string", [](const http_seen& r) { return json_reply(200, rpc(r, R"(,"error":"Method not found")")); });
  probe("code", [](const http_seen& r) { return json_reply(200, rpc(r, R"(,"error":{"code":"METHOD_NOT_FOUND"})")); });
  probe("null id",
        [](const http_seen&) { return json_reply(200, R"({"jsonrpc":"2.0","id":null,"error":{"code":-32601}})"); });
  probe("no id", [](const http_seen&) { return json_reply(200, R"({"jsonrpc":"2.0","error":{"code":-32601}})"); });
  probe("null result", [](const http_seen& r) { return json_reply(200, rpc(r, R"(,"result":null)")); });
  probe("error result", [](const http_seen& r) { return json_reply(200, rpc(r, R"(,"result":{"error":"unknown"})")); });
  probe(
      "batch", [](const http_seen& r) { return json_reply(200, "[" + rpc(r, R"(,"error":{"code":-32601})") + "]"); }, true);
  probe("stream", [](const http_seen&) { return stream_reply(": bye\n\n"); });
  probe("closed", [](const http_seen&) { return hang_up(); });
  probe("silent", [](const http_seen&) { return hang(); });
}

// What failed first is reported, and nothing is remembered.
TEST(SloppyDiscover, FirstFailureIsTheOneThatIsTold) {
  for (const int status : {500, 502, 503}) {
    plan what;
    what.options.eras = std::make_shared<mcp::era_memory>();
    what.answer = [status](const http_seen& request) {
      return empty_reply(request.rpc_method == "server/discover" ? status : 504);
    };
    what.on_connect = fails(errc::http_status, "the server answered HTTP " + std::to_string(status));
    what.on_end = [](const scripted_server& server) { EXPECT_EQ(server.count("initialize"), 1); };
    run(what);
  }
}

// Revisions.

std::string offered(const http_seen& request) {
  const auto at = request.body.find("\"protocolVersion\":\"");
  return at == std::string::npos ? std::string() : request.body.substr(at + 19, 10);
}

struct refusal {
  int status, code;
  std::string words, data, speaks;
};

void refuse_revision(const refusal& how) {
  SCOPED_TRACE(how.words + " " + how.data);
  plan what;
  what.answer = [how](const http_seen& request) {
    if (request.rpc_method != "initialize") return usual_reply(request);
    if (offered(request) != how.speaks) return error_reply(request, how.status, how.code, how.words, how.data);
    const std::string facts = R"(,"capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}})";
    return result_reply(request, R"({"protocolVersion":")" + how.speaks + "\"" + facts);
  };
  what.on_end = [](const scripted_server& server) { EXPECT_EQ(server.count("initialize"), 2); };
  run(what);
}

TEST(RefusedRevision, TheOneThatTheServerNamesIsOffered) {
  refuse_revision({200, -32602, "Unsupported protocol version", R"({"supported":["2025-06-18"],"requested":"2025-11-25"})",
                   "2025-06-18"});
  refuse_revision(
      {200, -32602, "Unsupported protocol version", R"({"supported":["2024-11-05","2025-03-26"]})", "2025-03-26"});
  refuse_revision({200, -32000, "no", R"({"code":"VERSION_INCOMPATIBLE","expected":"2025-06-18"})", "2025-06-18"});
  refuse_revision(
      {400, -32000, "Unsupported protocol version (supported versions: 2025-06-18, 2025-03-26)", "{}", "2025-06-18"});
  refuse_revision({400, -32602, "protocolVersion must be 2024-11-05", "null", "2024-11-05"});
  refuse_revision({200, -32602, "Unsupported protocol version", "null", "2025-06-18"});
}

TEST(RefusedRevision, IsOfferedOnceAndTheFirstRefusalIsTold) {
  for (const char* const data : {R"({"supported":["2025-06-18"]})", R"({"supported":["2025-03-26"]})", "{}"}) {
    plan what;
    what.answer = [data](const http_seen& request) {
      if (request.rpc_method != "initialize") return usual_reply(request);
      return error_reply(request, 200, -32602, "Unsupported protocol version: " + offered(request), data);
    };
    what.on_connect = fails(errc::rpc_error, "the server refused initialize with error -32602",
                            "Unsupported protocol version: 2025-11-25");
    what.on_end = [](const scripted_server& server) { EXPECT_EQ(server.count("initialize"), 2); };
    run(what);
  }
}

}  // namespace
}  // namespace mcpstate::test
