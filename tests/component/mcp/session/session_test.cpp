// SPDX-License-Identifier: MIT
// Legacy sessions over HTTP that the server loses.
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
  std::string capabilities = R"({"tools":{}})";
  int issued = 0;
  bool forgotten = false;  // the last one issued
  scripted_server::handler inner = usual_reply;

  http_reply answer(const http_seen& request) {
    if (request.rpc_method == "server/discover") return usual_reply(request);
    if (request.rpc_method == "initialize") {
      EXPECT_EQ(request.headers.count("mcp-session-id"), 0U) << "a stale id on initialize";
      forgotten = false;
      return welcome_reply(request, capabilities, "s" + std::to_string(++issued));
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
  co_await client.close();
  EXPECT_EQ(server.nth("DELETE", 0).headers["mcp-session-id"], "s2");  // s1 is over
  EXPECT_EQ(server.nth("DELETE", 1).method, "");
}

void lose_session(int status, const std::string& body) {
  auto sessions = std::make_shared<session_keeper>();
  auto user = std::make_shared<recording_host>();
  sessions->status = status;
  sessions->body = body;
  with_client(kept_by(sessions), options_with(user),
              [=](mcp::client& client, scripted_server& server) { return loses_it(client, server, sessions, user); });
}

TEST(McpSession, ReopensAfter404) { lose_session(404, session_keeper().body); }
TEST(McpSession, ReopensAfter404WithoutJsonRpc) { lose_session(404, "{}"); }
TEST(McpSession, ReopensAfter400) {
  lose_session(
      400, R"({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}})");
}
TEST(McpSession, ReopensAfter400NotInitialized) {
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

TEST(McpSession, SurvivesAnUnknownMethod) {
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

TEST(McpSession, ReopensOnceForManyRequests) {
  auto sessions = std::make_shared<session_keeper>();
  with_client(kept_by(sessions), test_options(),
              [=](mcp::client& client, scripted_server& server) { return all_at_once(client, server, sessions); });
}

// Whoever opens the session again may be cancelled; the others still get theirs.
asio::awaitable<void> opener_is_cancelled(mcp::client& client, scripted_server& server, keeper sessions, bool& hangs) {
  using namespace asio::experimental::awaitable_operators;
  sessions->forgotten = true;
  hangs = true;
  int listed = 0;
  aio::task_group group(co_await asio::this_coro::executor);
  auto opening = client.list_tools();
  auto both = std::move(opening) || eventually([&server, &client, &group, &listed] {
                if (server.count("initialize") < 2) return false;
                if (group.size() == 0) group.spawn("list", list_into(client, listed));
                return true;
              });
  const auto begun = std::chrono::steady_clock::now();
  auto either = co_await std::move(both);
  EXPECT_EQ(either.index(), 1U);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);  // it ends when it is told to, not when its time is over
  hangs = false;
  co_await group.join();
  EXPECT_EQ(listed, 1);
  EXPECT_EQ(server.count("initialize"), 3);
}

TEST(McpSession, SurvivesACancelledReopening) {
  auto sessions = std::make_shared<session_keeper>();
  bool hangs = false;
  const auto answer = [&hangs, sessions](const http_seen& request) {
    if (request.rpc_method != "initialize" || !hangs) return sessions->answer(request);
    http_reply nothing;
    nothing.after = http_reply::then::hang;
    return nothing;
  };
  with_client(answer, test_options(), [&, sessions](mcp::client& client, scripted_server& server) {
    return opener_is_cancelled(client, server, sessions, hangs);
  });
}

// The stream of announcements belongs to the session.
asio::awaitable<void> follows_again(mcp::client& client, scripted_server& server, keeper sessions) {
  EXPECT_EQ(server.nth("GET", 0).headers["mcp-session-id"], "s1");
  sessions->forgotten = true;
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(server.nth("GET", 1).headers["mcp-session-id"], "s2");
  EXPECT_EQ(server.nth("GET", 1).headers.count("last-event-id"), 0U);
  EXPECT_EQ(server.nth("GET", 2).method, "");
}

TEST(McpSession, ReopensTheStreamOfAnnouncements) {
  auto sessions = std::make_shared<session_keeper>();
  sessions->capabilities = R"({"tools":{"listChanged":true}})";
  sessions->inner = [](const http_seen& request) {
    return request.method == "GET" ? open_stream_reply("id: 1\ndata:\n\n") : usual_reply(request);
  };
  auto options = test_options();
  options.follow = true;
  with_client(kept_by(sessions), options,
              [=](mcp::client& client, scripted_server& server) { return follows_again(client, server, sessions); });
}

asio::awaitable<void> needs_credentials(mcp::client& client, scripted_server& server) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_FAILS(listed, errc::auth_failed);
  EXPECT_EQ(server.count("tools/list"), 1);
  EXPECT_EQ(server.count("initialize"), 1);
}

TEST(McpSession, DoesNotReopenForExpiredCredentials) {
  auto sessions = std::make_shared<session_keeper>();
  sessions->inner = [](const http_seen& request) {
    return request.rpc_method == "tools/list" ? json_reply(401, "{}") : usual_reply(request);
  };
  with_client(kept_by(sessions), test_options(), needs_credentials);
}

asio::awaitable<void> calls_on_a_lost_one(mcp::client& client, scripted_server& server, keeper sessions) {
  sessions->forgotten = true;
  auto called = co_await client.call_tool("plain", R"({"a":1})", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(server.count("tools/call"), 2);  // the first was refused, so nothing was done
  EXPECT_EQ(server.count("initialize"), 2);
}

TEST(McpSession, RepeatsACallThatTheLostSessionRefused) {
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

TEST(McpSession, FailsWhenLostAgainAndAgain) {
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

TEST(McpSession, StaysLostWhenReopeningIsUnwanted) {
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

TEST(McpSession, RepeatsAListWhenTheServerRestarts) {
  auto sessions = std::make_shared<session_keeper>();
  sessions->inner = [sessions](const http_seen& request) {
    if (request.rpc_method != "tools/list" || sessions->issued > 1) return usual_reply(request);
    sessions->forgotten = true;
    return stream_reply(": working\n\n");
  };
  with_client(kept_by(sessions), test_options(), restarts_in_a_list);
  sessions->inner = nullptr;
}

}  // namespace
}  // namespace mcpstate::test
