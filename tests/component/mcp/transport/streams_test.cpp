// SPDX-License-Identifier: MIT
// Event streams of the legacy era: those that break, and the one for announcements.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

const std::string changed_message = R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})";
const std::string announcing = R"({"tools":{"listChanged":true}})";

http_reply cut_stream(const std::string& events) { return stream_reply(events); }

std::string list_result() { return R"({"tools":[)" + plain_tool + "]}"; }

// Streams that break before the answer.

// What the server saw of a stream that is taken up again.
struct take_ups {
  take_ups() {}
  http_seen request;
  std::vector<steady::time_point> at;
  std::vector<std::string> ids;
  std::function<http_reply(const take_ups&)> next;

  scripted_server::handler handler(const std::string& method, std::function<http_reply(const http_seen&)> first) {
    return [this, method, first](const http_seen& seen) {
      if (seen.rpc_method == method && request.rpc_id.empty()) {
        request = seen;
        at.push_back(steady::now());
        return first(seen);
      }
      if (seen.method != "GET") return usual_reply(seen);
      at.push_back(steady::now());
      const auto id = seen.headers.find("last-event-id");
      ids.push_back(id == seen.headers.end() ? "(none)" : id->second);
      EXPECT_EQ(seen.headers.at("accept"), "text/event-stream");
      return next(*this);
    };
  }
};

asio::awaitable<void> lists(mcp::client& client, scripted_server&) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(listed->tools.bytes(), "[" + plain_tool + "]");
}

asio::awaitable<void> calls(mcp::client& client, scripted_server& server) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(called->body, R"({"content":[]})");
  EXPECT_EQ(server.count("tools/call"), 1);
}

TEST(BrokenStream, IsResumedAfterTheRetryTimeOfTheServer) {
  take_ups seen;
  seen.next = [](const take_ups& so_far) { return stream_reply(event_of(so_far.request, R"({"content":[]})")); };
  with_client(seen.handler("tools/call", [](const http_seen&) { return cut_stream("retry: 120\nid: e 1\ndata:\n\n"); }),
              test_options(), calls);
  ASSERT_EQ(seen.ids, std::vector<std::string>({"e 1"}));
  EXPECT_GE(seen.at[1] - seen.at[0], 120ms);
}

TEST(BrokenStream, IsResumedSeveralTimes) {
  take_ups seen;
  seen.next = [](const take_ups& so_far) {
    const std::size_t n = so_far.ids.size();
    if (n < 8) return cut_stream("id: e" + std::to_string(n + 1) + "\ndata:\n\n");  // more often than it may fail
    return stream_reply(event_of(so_far.request, list_result()));
  };
  with_client(seen.handler("tools/list", [](const http_seen&) { return cut_stream("retry: 5\nid: e1\ndata:\n\n"); }),
              test_options(), lists);
  EXPECT_EQ(seen.ids, std::vector<std::string>({"e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8"}));
  for (std::size_t i = 1; i < seen.at.size(); ++i) EXPECT_GE(seen.at[i] - seen.at[i - 1], 5ms);
}

// Also one that ends in the middle of a connection, not with an end that is announced.
TEST(BrokenStream, IsResumedFromTheMiddleOfAnEvent) {
  take_ups seen;
  seen.next = [](const take_ups& so_far) { return stream_reply(event_of(so_far.request, list_result())); };
  const auto first = [](const http_seen&) {
    http_reply out(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        "18\r\nretry: 5\nid: 7\ndata:\n\nda\r\n20\r\nta: {");
    out.after = http_reply::then::close;
    return out;
  };
  with_client(seen.handler("tools/list", first), test_options(), lists);
  EXPECT_EQ(seen.ids, std::vector<std::string>({"7"}));
}

asio::awaitable<void> list_is_lost(mcp::client& client, scripted_server&) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_FAILS(listed, errc::connection_lost);
}

asio::awaitable<void> call_is_unknown(mcp::client& client, scripted_server& server) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::outcome_unknown);
  EXPECT_EQ(server.count("tools/call"), 1);
}

TEST(BrokenStream, IsGivenUpAfterResumingInVain) {
  take_ups seen;
  seen.next = [](const take_ups&) { return cut_stream(": nothing new\n\n"); };
  with_client(seen.handler("tools/call", [](const http_seen&) { return cut_stream("retry: 1\nid: 1\ndata:\n\n"); }),
              test_options(), call_is_unknown);
  EXPECT_EQ(seen.ids.size(), 5U);  // and no more
}

TEST(BrokenStream, IsLostWhenItsEventIdIsUnknown) {
  take_ups seen;
  seen.next = [](const take_ups&) { return empty_reply(400); };
  with_client(seen.handler("tools/call", [](const http_seen&) { return cut_stream("retry: 1\nid: 1\ndata:\n\n"); }),
              test_options(), call_is_unknown);
  EXPECT_EQ(seen.ids.size(), 1U);
}

// With the id of the event that was cut off the server would leave it out.
TEST(BrokenStream, IsResumedFromTheLastCompleteEvent) {
  take_ups seen;
  seen.next = [](const take_ups& so_far) { return stream_reply(event_of(so_far.request, list_result())); };
  const auto first = [](const http_seen&) { return cut_stream("retry: 1\nid: 1\ndata:\n\nid: 2\ndata: {\"jsonr"); };
  with_client(seen.handler("tools/list", first), test_options(), lists);
  EXPECT_EQ(seen.ids, std::vector<std::string>({"1"}));
}

// An empty id means that there is nothing to come back to.
TEST(BrokenStream, IsLostWhenItsIdIsTakenBack) {
  take_ups seen;
  const auto first = [](const http_seen&) { return cut_stream("retry: 1\nid: 1\ndata:\n\nid:\ndata:\n\n"); };
  with_client(seen.handler("tools/call", first), test_options(), call_is_unknown);
  EXPECT_TRUE(seen.ids.empty());
}

TEST(BrokenStream, IsLostWithoutAnId) {
  int asked = 0;
  const auto answer = [&asked](const http_seen& request) {
    if (request.rpc_method != "tools/list" && request.rpc_method != "tools/call") return usual_reply(request);
    ++asked;
    return cut_stream("retry: 1\ndata:\n\n");
  };
  with_client(answer, test_options(), list_is_lost);
  EXPECT_EQ(asked, 2);  // once more
  asked = 0;
  with_client(answer, test_options(), call_is_unknown);
  EXPECT_EQ(asked, 1);
}

TEST(BrokenStream, IsReplacedByANewListRequestWithoutAnId) {
  int asked = 0;
  with_client(
      [&asked](const http_seen& request) {
        return request.rpc_method == "tools/list" && ++asked == 1 ? cut_stream(": hm\n\n") : usual_reply(request);
      },
      test_options(), lists);
  EXPECT_EQ(asked, 2);
}

// The stream for announcements.

// A server whose GETs are answered by the rows in turn; the last one for ever.
struct announcer {
  announcer() {}
  std::vector<std::function<http_reply(const http_seen&)>> turns;
  std::vector<http_seen> gets;
  std::vector<steady::time_point> at;
  std::string capabilities = announcing;
  std::string session = "s1";

  http_reply answer(const http_seen& request) {
    if (request.rpc_method == "initialize") return welcome_reply(request, capabilities, session);
    if (request.method != "GET") return usual_reply(request);
    gets.push_back(request);
    at.push_back(steady::now());
    return turns[std::min(gets.size(), turns.size()) - 1](request);
  }
  scripted_server::handler handler() {
    return [this](const http_seen& request) { return answer(request); };
  }
};

mcp::client_options following(const std::shared_ptr<recording_host>& user) {
  auto out = test_options();
  out.follow = true;
  out.user = user;
  return out;
}

using user_ptr = std::shared_ptr<recording_host>;

asio::awaitable<void> hears_of_a_change(mcp::client& client, scripted_server& server, user_ptr user,
                                        std::shared_ptr<http_rest> rest) {
  EXPECT_TRUE(rest->begun);  // connect() waits for it
  const std::size_t last = server.seen.size() - 1;
  EXPECT_EQ(server.seen[last].method, "GET");
  EXPECT_EQ(server.seen[last - 1].rpc_method, "notifications/initialized");
  EXPECT_EQ(server.seen[last].headers["mcp-session-id"], "s1");
  EXPECT_EQ(server.seen[last].headers["mcp-protocol-version"], "2025-11-25");
  EXPECT_EQ(server.seen[last].headers["accept"], "text/event-stream");
  EXPECT_TRUE(user->changed.empty());
  rest->add(event(changed_message));
  const bool told = co_await eventually([&user] { return user->changes_of("tools") == 1; });
  EXPECT_TRUE(told);
  rest->add(event(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}})"));
  const bool heard = co_await eventually([&user] { return user->heard.size() == 1; });
  CO_ASSERT_TRUE(heard);
  EXPECT_EQ(user->heard[0], R"(notifications/message {"level":"info","data":"x"})");
  auto listed = co_await client.list_tools();  // on another connection
  CO_ASSERT_OK(listed);
  co_await client.close();
  const bool gone = co_await eventually([&rest] { return rest->gone; });
  EXPECT_TRUE(gone);
}

TEST(Announcements, ReachTheHost) {
  announcer server;
  const auto user = std::make_shared<recording_host>();
  const auto rest = std::make_shared<http_rest>();
  server.turns.push_back([&rest](const http_seen&) { return open_stream_reply(": hello\n\n", rest); });
  with_client(server.handler(), following(user),
              [&](mcp::client& client, scripted_server& on) { return hears_of_a_change(client, on, user, rest); });
}

asio::awaitable<void> comes_back(announcer& server, user_ptr user, long gaps) {
  const bool again = co_await eventually([&server] { return server.gets.size() == 2; });
  EXPECT_TRUE(again);
  const bool told = co_await eventually([&user] { return user->changes_of("tools") > 0; });
  EXPECT_TRUE(told);
  EXPECT_EQ(user->changes_of("tools"), gaps);
}

// retry: the time until it is opened again, so that the tests need not wait for long.
TEST(Announcements, ResumeAStreamWithIds) {
  announcer server;
  const auto user = std::make_shared<recording_host>();
  server.turns.push_back([](const http_seen&) { return cut_stream("retry: 50\nid: 42\ndata:\n\n"); });
  server.turns.push_back([](const http_seen&) { return open_stream_reply(event(changed_message)); });
  with_client(server.handler(), following(user),
              [&](mcp::client&, scripted_server&) { return comes_back(server, user, 1); });
  EXPECT_EQ(server.gets[1].headers["last-event-id"], "42");
  EXPECT_GE(server.at[1] - server.at[0], 50ms);
}

TEST(Announcements, ReportAGapAfterAStreamWithoutIds) {
  announcer server;
  const auto user = std::make_shared<recording_host>();
  server.turns.push_back([](const http_seen&) { return cut_stream("retry: 50\ndata:\n\n"); });
  server.turns.push_back([](const http_seen&) { return open_stream_reply(": hello again\n\n"); });
  with_client(server.handler(), following(user),
              [&](mcp::client&, scripted_server&) { return comes_back(server, user, 1); });
  EXPECT_EQ(server.gets[1].headers.count("last-event-id"), 0U);
}

asio::awaitable<void> comes_back_anew(announcer& server, user_ptr user) {
  const bool told = co_await eventually([&user] { return user->changes_of("tools") == 1; });
  EXPECT_TRUE(told);
  CO_ASSERT_EQ(server.gets.size(), 3U);
  EXPECT_EQ(server.gets[1].headers["last-event-id"], "42");
  EXPECT_EQ(server.gets[2].headers.count("last-event-id"), 0U);
}

TEST(Announcements, ReportAGapWhenTheEventIdIsUnknown) {
  announcer server;
  const auto user = std::make_shared<recording_host>();
  server.turns.push_back([](const http_seen&) { return cut_stream("retry: 10\nid: 42\ndata:\n\n"); });
  server.turns.push_back([](const http_seen&) { return empty_reply(400); });
  server.turns.push_back([](const http_seen&) { return open_stream_reply(": hello again\n\n"); });
  with_client(server.handler(), following(user),
              [&](mcp::client&, scripted_server&) { return comes_back_anew(server, user); });
}

asio::awaitable<void> works_without(mcp::client& client, announcer& server, std::size_t gets) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(server.gets.size(), gets);
}

TEST(Announcements, AreOptionalForTheServer) {
  for (const int status : {405, 404, 400, 501}) {
    announcer server;
    std::vector<mcp::connect_step> steps;
    server.turns.push_back([status](const http_seen&) { return empty_reply(status); });
    auto options = following(nullptr);
    options.on_step = [&steps](const mcp::connect_step& step) { steps.push_back(step); };
    with_client(server.handler(), options,
                [&](mcp::client& client, scripted_server&) { return works_without(client, server, 1); });
    ASSERT_FALSE(steps.empty());
    EXPECT_EQ(steps.back().name, "GET (announcements)");
    EXPECT_FALSE(steps.back().ok);
    EXPECT_NE(steps.back().outcome.find(std::to_string(status)), std::string::npos) << steps.back().outcome;
  }
}

TEST(Announcements, OpenNoStreamThatIsUnwantedOrNotOffered) {
  announcer server;
  with_client(server.handler(), test_options(),
              [&](mcp::client& client, scripted_server&) { return works_without(client, server, 0); });
  server.capabilities = R"({"tools":{}})";
  with_client(server.handler(), following(nullptr),
              [&](mcp::client& client, scripted_server&) { return works_without(client, server, 0); });
}

asio::awaitable<void> opened_after_a_conflict(announcer& server, user_ptr user) {
  const bool again = co_await eventually([&server] { return server.gets.size() == 2; });
  EXPECT_TRUE(again);
  const bool told = co_await eventually([&user] { return user->changes_of("tools") > 0; });
  EXPECT_TRUE(told);
}

TEST(Announcements, RetryWhileTheServerHoldsTheOldStream) {
  announcer server;
  const auto user = std::make_shared<recording_host>();
  server.turns.push_back([](const http_seen&) { return empty_reply(409); });
  server.turns.push_back([](const http_seen&) { return open_stream_reply(": now\n\n"); });
  with_client(server.handler(), following(user),
              [&](mcp::client&, scripted_server&) { return opened_after_a_conflict(server, user); });
}

asio::awaitable<void> stays_silent(mcp::client& client) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
}

// Some servers send the head of the stream with the first event only.
TEST(Announcements, AcceptAHeadThatComesLate) {
  announcer server;
  http_reply nothing;
  nothing.after = http_reply::then::hang;
  server.turns.push_back([nothing](const http_seen&) { return nothing; });
  with_client(server.handler(), following(nullptr),
              [](mcp::client& client, scripted_server&) { return stays_silent(client); });
}

}  // namespace
}  // namespace mcpstate::test
