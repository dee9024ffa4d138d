// SPDX-License-Identifier: MIT
// Servers that want too much at once, or too often.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// Sends questions on the stream of a call, and answers it when they have all been answered.
struct questioner {
  questioner() {}
  int questions = 2000;
  std::string method = "ping";
  int answered = 0;
  int refused = 0;
  std::string last_refusal;
  http_seen call;
  std::shared_ptr<http_rest> rest = std::make_shared<http_rest>();

  http_reply answer(const http_seen& request) {
    if (request.method == "GET") return empty_reply(405);
    if (request.rpc_method == "tools/call") return ask(request);
    if (request.method == "POST" && request.rpc_method.empty()) {
      if (request.body.find("\"error\"") != std::string::npos) {
        ++refused;
        last_refusal = request.body;
      }
      if (++answered == questions) rest->add(event_of(call, R"({"content":[]})"));
    }
    return usual_reply(request);
  }

 private:
  http_reply ask(const http_seen& request) {
    call = request;
    std::string events;
    for (int i = 0; i < questions; ++i) {
      events += event(R"({"jsonrpc":"2.0","id":"q)" + std::to_string(i) + R"(","method":")" + method + "\"}");
    }
    return open_stream_reply(events, rest);
  }
};

asio::awaitable<void> is_asked(mcp::client& client, scripted_server& server, questioner& script) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(script.answered, script.questions);
  EXPECT_LT(server.connections, 10);  // not one for each
}

TEST(HastyServer, GetsManyPingsAnsweredOnFewConnections) {
  questioner script;
  with_client([&](const http_seen& request) { return script.answer(request); }, test_options(),
              [&](mcp::client& client, scripted_server& server) { return is_asked(client, server, script); });
  EXPECT_EQ(script.refused, 0);
}

asio::awaitable<void> asks_a_thinker(mcp::client& client, questioner& script, std::shared_ptr<recording_host> user) {
  using namespace asio::experimental::awaitable_operators;
  auto calling = client.call_tool("plain", "{}", mcp::call_options());
  auto both = std::move(calling) || eventually([&] { return script.refused + int(user->asked.size()) == script.questions; });
  auto either = co_await std::move(both);
  EXPECT_EQ(either.index(), 1U);
  EXPECT_LE(user->asked.size(), 100U);
  EXPECT_GE(user->asked.size(), 10U);
  EXPECT_NE(script.last_refusal.find("too many questions"), std::string::npos) << script.last_refusal;
}

// A person can only be asked so much.
TEST(HastyServer, IsRefusedTooManyQuestions) {
  questioner script;
  script.questions = 500;
  script.method = "roots/list";
  const auto user = std::make_shared<recording_host>(R"({"roots":{}})");
  user->thinks = true;
  auto options = test_options();
  options.user = user;
  with_client([&](const http_seen& request) { return script.answer(request); }, options,
              [&](mcp::client& client, scripted_server&) { return asks_a_thinker(client, script, user); });
  EXPECT_EQ(user->taken_back, static_cast<int>(user->asked.size()));
}

asio::awaitable<void> is_late(mcp::client& client, scripted_server& server) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::outcome_unknown);
  const auto gets = std::count_if(server.seen.begin(), server.seen.end(),
                                  [](const http_seen& request) { return request.method == "GET"; });
  EXPECT_GE(gets, 3);
  EXPECT_LE(gets, 12);  // within 1 s
}

// Each stream brings another event id, and nothing else.
TEST(HastyServer, IsResumedAtABoundedRate) {
  auto options = test_options();
  options.request_timeout = 1s;
  auto number = std::make_shared<int>(0);
  with_client(
      [number](const http_seen& request) {
        const bool streams = request.method == "GET" || request.rpc_method == "tools/call";
        if (!streams) return usual_reply(request);
        return stream_reply("retry: 0\nid: " + std::to_string(++*number) + "\ndata:\n\n");
      },
      options, is_late);
}

// The answer came on a stream that was taken up: that is a session that has worked, and can be lost.
asio::awaitable<void> lists_twice(mcp::client& client, scripted_server& server, bool& forgotten) {
  auto first = co_await client.list_tools();
  CO_ASSERT_OK(first);
  forgotten = true;
  auto second = co_await client.list_tools();
  CO_ASSERT_OK(second);
  EXPECT_EQ(server.count("initialize"), 2);
}

TEST(McpSession, ReopensAfterAResumedStreamIsLost) {
  bool forgotten = false;
  http_seen listing;
  const auto answer = [&](const http_seen& request) {
    if (request.rpc_method == "initialize") {
      const std::string id = forgotten ? "s2" : "s1";
      return welcome_reply(request, R"({"tools":{}})", id);
    }
    const auto named = request.headers.find("mcp-session-id");
    if (named == request.headers.end() || named->second == "s2") return usual_reply(request);
    if (forgotten) return error_reply(request, 400, -32000, "Bad Request: No valid session ID provided");
    if (request.method == "GET") return stream_reply(event_of(listing, R"({"tools":[)" + plain_tool + "]}"));
    if (request.rpc_method != "tools/list") return usual_reply(request);
    listing = request;
    return stream_reply("retry: 1\nid: 1\ndata:\n\n");
  };
  with_client(answer, test_options(),
              [&](mcp::client& client, scripted_server& server) { return lists_twice(client, server, forgotten); });
}

}  // namespace
}  // namespace mcpstate::test
