// SPDX-License-Identifier: MIT
// Calls whose connection breaks, and requests that are led elsewhere.
#include <algorithm>
#include <string>
#include <vector>

#include "component/mcp/http_plan.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

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

TEST(BrokenCall, HasAnUnknownOutcomeWithoutAnyByte) {
  with_client(on_calls([](const http_seen&) { return then_closed(http_reply()); }), test_options(), call_is_unknown);
}

TEST(BrokenCall, HasAnUnknownOutcomeWhenCutInTheHead) {
  with_client(on_calls([](const http_seen&) { return then_closed(http_reply("HTTP/1.1 200 O")); }), test_options(),
              call_is_unknown);
}

TEST(BrokenCall, HasAnUnknownOutcomeWhenCutInTheBody) {
  with_client(on_calls([](const http_seen& request) {
                http_reply whole = result_reply(request, "{}");
                whole.bytes.pop_back();
                return then_closed(std::move(whole));
              }),
              test_options(), call_is_unknown);
}

asio::awaitable<void> late_call_is_taken_back(mcp::client& client, scripted_server& server) {
  auto playing = call_is_unknown(client, server);
  co_await std::move(playing);
  const bool told = co_await eventually([&server] { return server.count("notifications/cancelled") == 1; });
  EXPECT_TRUE(told);
}

TEST(BrokenCall, IsCancelledAtItsDeadline) {
  auto options = test_options();
  options.request_timeout = 300ms;
  with_client(on_calls([](const http_seen&) { return open_stream_reply(": wait\n\n"); }), options, late_call_is_taken_back);
}

asio::awaitable<void> calls_after_a_close(mcp::client& client, scripted_server& server) {
  const bool closed = co_await eventually([&server] { return server.ended == server.connections; });
  EXPECT_TRUE(closed);
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(server.count("tools/call"), 1);
}

// Nothing was sent on a connection that was found closed.
TEST(BrokenCall, IsSentOnceOnANewConnectionAfterAClose) {
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

TEST(Redirect, IsFollowedInACall) {
  with_client(on_calls([](const http_seen& request) {
                return request.target == "/mcp" ? moved(307, "/elsewhere") : usual_reply(request);
              }),
              test_options(), moves_in_a_call);
}

TEST(Redirect, IsGivenUpInACircle) {
  plan what;
  what.answer = [](const http_seen& request) { return moved(307, request.target == "/mcp" ? "/b" : "/mcp"); };
  what.on_connect = [](const result<void>& connected) { EXPECT_FALSE(connected.has_value()); };
  what.on_end = [](const scripted_server& server) { EXPECT_LT(server.seen.size(), 30U); };
  run(what);
}

TEST(Redirect, IsNotFollowedForOtherStatuses) {
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
