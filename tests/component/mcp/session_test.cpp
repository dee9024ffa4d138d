// SPDX-License-Identifier: MIT
// Legacy sessions over HTTP that the server loses, calls that break, and redirects.
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// A server with sessions: s1, s2, … Requests that name another one are refused as it likes to.
struct session_keeper {
  session_keeper() {}
  int status = 404;
  std::string body = R"({"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}})";
  int issued = 0;
  bool forgotten = false;  // the last one issued
  scripted_server::handler inner = usual_reply;

  http_reply answer(const http_seen& request) {
    if (request.rpc_method == "server/discover") return usual_reply(request);
    if (request.rpc_method == "initialize") {
      EXPECT_EQ(request.headers.count("mcp-session-id"), 0U) << "a stale id on initialize";
      forgotten = false;
      return welcome_reply(request, R"({"tools":{}})", "s" + std::to_string(++issued));
    }
    const auto named = request.headers.find("mcp-session-id");
    const bool known = !forgotten && named != request.headers.end() && named->second == "s" + std::to_string(issued);
    return known ? inner(request) : json_reply(status, body);
  }
};

using keeper = std::shared_ptr<session_keeper>;

scripted_server::handler kept_by(const keeper& sessions) {
  return [sessions](const http_seen& request) { return sessions->answer(request); };
}

mcp::client_options options_with(std::shared_ptr<recording_host> user) {
  auto out = test_options();
  out.user = std::move(user);
  return out;
}

asio::awaitable<void> loses_it(mcp::client& client, scripted_server& server, keeper sessions,
                               std::shared_ptr<recording_host> user) {
  auto first = co_await client.list_tools();
  CO_ASSERT_OK(first);
  sessions->forgotten = true;
  auto second = co_await client.list_tools();
  CO_ASSERT_OK(second);
  EXPECT_EQ(second->tools.bytes(), "[" + plain_tool + "]");
  EXPECT_EQ(server.count("initialize"), 2);
  EXPECT_EQ(server.count("notifications/initialized"), 2);
  EXPECT_EQ(server.count("tools/list"), 3);  // listed, refused, listed again
  EXPECT_EQ(server.nth("tools/list", 1).headers["mcp-session-id"], "s1");
  EXPECT_EQ(server.nth("tools/list", 2).headers["mcp-session-id"], "s2");
  EXPECT_EQ(user->lost.size(), 1U);
}

void lose_session(int status, const std::string& body) {
  auto sessions = std::make_shared<session_keeper>();
  auto user = std::make_shared<recording_host>();
  sessions->status = status;
  sessions->body = body;
  with_client(kept_by(sessions), options_with(user),
              [=](mcp::client& client, scripted_server& server) { return loses_it(client, server, sessions, user); });
}

TEST(Session, LostBy404) { lose_session(404, session_keeper().body); }
TEST(Session, LostBy404WithoutJsonRpc) { lose_session(404, "{}"); }
TEST(Session, LostBy400) {
  lose_session(
      400, R"({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}})");
}
TEST(Session, LostBy400NotInitialized) {
  lose_session(400,
               R"({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: Server not initialized"}})");
}

// An error about the request itself is no loss, whatever its status.
asio::awaitable<void> refuses_the_request(mcp::client& client, scripted_server& server) {
  auto answer = co_await client.request("odd/method", "", mcp::call_options());
  CO_ASSERT_FAILS(answer, errc::rpc_error);
  EXPECT_EQ(server.count("initialize"), 1);
  EXPECT_EQ(server.count("odd/method"), 1);
}

TEST(Session, UnknownMethodIsNoLoss) {
  auto sessions = std::make_shared<session_keeper>();
  sessions->inner = [](const http_seen& request) {
    return request.rpc_method == "odd/method" ? error_reply(request, 404, -32601) : usual_reply(request);
  };
  with_client(kept_by(sessions), test_options(), refuses_the_request);
}

asio::awaitable<void> list_into(mcp::client& client, int& listed) {
  auto answer = co_await client.list_tools();
  EXPECT_TRUE(answer.has_value()) << answer.error().full_text();
  if (answer) ++listed;
}

asio::awaitable<void> call_into(mcp::client& client, int& called) {
  auto answer = co_await client.call_tool("plain", "{}", mcp::call_options());
  EXPECT_TRUE(answer.has_value()) << answer.error().full_text();
  if (answer) ++called;
}

asio::awaitable<void> all_at_once(mcp::client& client, scripted_server& server, keeper sessions) {
  sessions->forgotten = true;
  int listed = 0;
  int called = 0;
  aio::task_group group(co_await asio::this_coro::executor);
  for (int i = 0; i < 5; ++i) group.spawn("list", list_into(client, listed));
  for (int i = 0; i < 3; ++i) group.spawn("call", call_into(client, called));
  co_await group.join();
  EXPECT_EQ(listed, 5);
  EXPECT_EQ(called, 3);
  EXPECT_EQ(server.count("initialize"), 2);
}

TEST(Session, LostForManyIsOpenedOnce) {
  auto sessions = std::make_shared<session_keeper>();
  with_client(kept_by(sessions), test_options(),
              [=](mcp::client& client, scripted_server& server) { return all_at_once(client, server, sessions); });
}

asio::awaitable<void> calls_on_a_lost_one(mcp::client& client, scripted_server& server, keeper sessions) {
  sessions->forgotten = true;
  auto called = co_await client.call_tool("plain", R"({"a":1})", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(server.count("tools/call"), 2);  // the first was refused, so nothing was done
  EXPECT_EQ(server.count("initialize"), 2);
}

TEST(Session, RefusedCallIsRepeated) {
  auto sessions = std::make_shared<session_keeper>();
  with_client(kept_by(sessions), test_options(),
              [=](mcp::client& client, scripted_server& server) { return calls_on_a_lost_one(client, server, sessions); });
}

asio::awaitable<void> lost_again_and_again(mcp::client& client, scripted_server& server) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_FAILS(listed, errc::connection_lost);
  EXPECT_EQ(server.count("initialize"), 2);  // once per request, no more
  EXPECT_EQ(server.count("tools/list"), 2);
}

TEST(Session, LostAgainAndAgainIsAnError) {
  auto sessions = std::make_shared<session_keeper>();
  sessions->inner = [](const http_seen& request) {
    return request.rpc_method == "tools/list" ? json_reply(404, session_keeper().body) : usual_reply(request);
  };
  with_client(kept_by(sessions), test_options(), lost_again_and_again);
}

asio::awaitable<void> not_opened_again(mcp::client& client, scripted_server& server, keeper sessions) {
  sessions->forgotten = true;
  auto listed = co_await client.list_tools();
  EXPECT_FALSE(listed.has_value());
  auto again = co_await client.list_tools();
  CO_ASSERT_FAILS(again, errc::connection_lost);
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::connection_lost);
  EXPECT_EQ(server.count("initialize"), 1);
  EXPECT_EQ(server.count("tools/list"), 1);
  EXPECT_EQ(server.count("tools/call"), 0);
}

TEST(Session, NotOpenedAgainIfNotWanted) {
  auto sessions = std::make_shared<session_keeper>();
  auto options = test_options();
  options.reopen = false;
  with_client(kept_by(sessions), options,
              [=](mcp::client& client, scripted_server& server) { return not_opened_again(client, server, sessions); });
}

// The usual restart of a server: the connection breaks in a request, and then it does not know the session.
asio::awaitable<void> restarts_in_a_list(mcp::client& client, scripted_server& server) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(server.count("initialize"), 2);
  EXPECT_EQ(server.count("tools/list"), 3);
}

TEST(Session, ServerRestartsInAList) {
  auto sessions = std::make_shared<session_keeper>();
  sessions->inner = [sessions](const http_seen& request) {
    if (request.rpc_method != "tools/list" || sessions->issued > 1) return usual_reply(request);
    sessions->forgotten = true;
    return stream_reply(": working\n\n");
  };
  with_client(kept_by(sessions), test_options(), restarts_in_a_list);
  sessions->inner = nullptr;
}

// Calls that break.

asio::awaitable<void> call_is_unknown(mcp::client& client, scripted_server& server) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::outcome_unknown);
  EXPECT_EQ(server.count("tools/call"), 1);
  auto listed = co_await client.list_tools();  // the session goes on
  CO_ASSERT_OK(listed);
  EXPECT_EQ(server.count("initialize"), 1);
}

scripted_server::handler on_calls(scripted_server::handler answer) {
  return [answer = std::move(answer)](const http_seen& request) {
    return request.rpc_method == "tools/call" ? answer(request) : usual_reply(request);
  };
}

http_reply then_closed(http_reply reply) {
  reply.after = http_reply::then::close;
  return reply;
}

TEST(BrokenCall, WithoutAnyByte) {
  with_client(on_calls([](const http_seen&) { return then_closed(http_reply()); }), test_options(), call_is_unknown);
}

TEST(BrokenCall, InTheHead) {
  with_client(on_calls([](const http_seen&) { return then_closed(http_reply("HTTP/1.1 200 O")); }), test_options(),
              call_is_unknown);
}

TEST(BrokenCall, InTheBody) {
  with_client(on_calls([](const http_seen& request) {
                http_reply whole = result_reply(request, "{}");
                whole.bytes.pop_back();
                return then_closed(std::move(whole));
              }),
              test_options(), call_is_unknown);
}

TEST(BrokenCall, Late) {
  auto options = test_options();
  options.request_timeout = 300ms;
  with_client(on_calls([](const http_seen&) { return open_stream_reply(": wait\n\n"); }), options, call_is_unknown);
}

asio::awaitable<void> calls_after_a_close(mcp::client& client, scripted_server& server) {
  const bool closed = co_await eventually([&server] { return server.ended == server.connections; });
  EXPECT_TRUE(closed);
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(server.count("tools/call"), 1);
}

// Nothing was sent on a connection that was found closed.
TEST(BrokenCall, ConnectionClosedBefore) {
  with_client([](const http_seen& request) { return then_closed(usual_reply(request)); }, test_options(),
              calls_after_a_close);
}

// Redirects.

http_reply moved(int status, const std::string& location) { return empty_reply(status, "Location: " + location + "\r\n"); }

asio::awaitable<void> moves(mcp::client& client, scripted_server& server) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  auto called = co_await client.call_tool("plain", R"({"a":1})", mcp::call_options());
  CO_ASSERT_OK(called);
  std::vector<std::string> targets;
  for (const http_seen& request : server.seen) targets.push_back(request.target);
  // The first is led on; all others go there at once.
  CO_ASSERT_TRUE(targets.size() > 2);
  EXPECT_EQ(targets[0], "/mcp");
  EXPECT_EQ(std::count(targets.begin(), targets.end(), "/mcp"), 1);
  EXPECT_EQ(server.seen[0].body, server.seen[1].body);
  EXPECT_EQ(server.seen[1].method, "POST");
  EXPECT_EQ(server.seen[1].headers.at("mcp-method"), "server/discover");
  EXPECT_NE(server.nth("tools/call").body.find(R"("arguments":{"a":1})"), std::string::npos);
  EXPECT_EQ(server.nth("tools/call").target, "/mcp/?a=b");
}

TEST(Redirect, IsFollowedAndRemembered) {
  for (const int status : {307, 308}) {
    with_client(
        [status](const http_seen& request) {
          return request.target == "/mcp" ? moved(status, "/mcp/?a=b") : usual_reply(request);
        },
        test_options(), moves);
  }
}

asio::awaitable<void> moves_in_a_call(mcp::client& client, scripted_server& server) {
  auto called = co_await client.call_tool("plain", R"({"a":1})", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(server.count("tools/call"), 2);
  EXPECT_EQ(server.nth("tools/call", 1).target, "/elsewhere");
  EXPECT_EQ(server.nth("tools/call", 0).body, server.nth("tools/call", 1).body);
}

TEST(Redirect, OfACall) {
  with_client(on_calls([](const http_seen& request) {
                return request.target == "/mcp" ? moved(307, "/elsewhere") : usual_reply(request);
              }),
              test_options(), moves_in_a_call);
}

TEST(Redirect, InACircle) {
  plan what;
  what.answer = [](const http_seen& request) { return moved(307, request.target == "/mcp" ? "/b" : "/mcp"); };
  what.on_connect = [](const result<void>& connected) { EXPECT_FALSE(connected.has_value()); };
  what.on_end = [](const scripted_server& server) { EXPECT_LT(server.seen.size(), 30U); };
  run(what);
}

TEST(Redirect, OtherKindsAreNotFollowed) {
  for (const int status : {301, 302, 303}) {
    plan what;
    what.answer = [status](const http_seen&) { return moved(status, "/elsewhere"); };
    what.on_connect = [](const result<void>& connected) { EXPECT_FALSE(connected.has_value()); };
    what.on_end = [](const scripted_server& server) {
      for (const http_seen& request : server.seen) EXPECT_EQ(request.target, "/mcp");
    };
    run(what);
  }
}

}  // namespace
}  // namespace mcpstate::test
