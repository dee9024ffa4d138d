// SPDX-License-Identifier: MIT
// What passes between a server and its client while a request is under way: questions of the server, progress, cancelling.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using user_ptr = std::shared_ptr<recording_host>;
using rest_ptr = std::shared_ptr<http_rest>;

const std::string form = R"({"message":"Who?","requestedSchema":{"type":"object","properties":)"
                         R"({"name":{"type":"string"},"color":{"type":"string","default":"red"}}}})";

std::string question(const std::string& id, const std::string& method, const std::string& params) {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":)" + params + "}";
}

// A server that sends some messages on the stream of tools/call, or on GET, and answers the call when it has got the answers
// to its questions (messages with an id and without a method), as many as it wants.
struct asking_server {
  asking_server() {}
  std::vector<std::string> messages;
  bool on_get = false;
  std::size_t wanted = 1;
  std::vector<std::string> answers;
  http_seen call;
  rest_ptr call_rest, get_rest;

  scripted_server::handler made() {
    call_rest = std::make_shared<http_rest>();
    get_rest = std::make_shared<http_rest>();
    return [this](const http_seen& request) { return answer(request); };
  }

 private:
  std::string events() const {
    std::string out;
    for (const std::string& each : messages) out += event(each);
    return out;
  }
  http_reply answer(const http_seen& request) {
    if (request.method == "GET") return open_stream_reply(": hello\n\n", get_rest);
    if (request.rpc_method == "tools/call") {
      call = request;
      if (on_get) get_rest->add(events());
      http_reply out = open_stream_reply(on_get ? ": asking\n\n" : events(), call_rest);
      finish();
      return out;
    }
    if (request.method == "POST" && request.rpc_method.empty()) {
      answers.push_back(request.body);
      finish();
    }
    return usual_reply(request);
  }
  void finish() {
    if (answers.size() >= wanted && !call.rpc_id.empty()) call_rest->add(event_of(call, R"({"content":[]})"));
  }
};

asio::awaitable<void> calls(mcp::client& client) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
}

void ask(asking_server& server, const user_ptr& user) {
  auto options = test_options();
  options.user = user;
  for (const bool on_get : {false, true}) {
    if (on_get && (!user || user->capabilities() == "{}")) continue;  // it has no such stream then
    server.on_get = on_get;
    server.answers.clear();
    with_client(server.made(), options, [](mcp::client& client, scripted_server&) { return calls(client); });
    server.call = http_seen();
    EXPECT_EQ(server.answers.size(), server.wanted);
  }
}

TEST(ServerQuestions, AnswerAPing) {
  asking_server server;
  server.messages = {question("\"p\"", "ping", "{}")};
  ask(server, nullptr);
  EXPECT_EQ(server.answers, std::vector<std::string>({R"({"jsonrpc":"2.0","id":"p","result":{}})"}));
}

TEST(ServerQuestions, RefuseWhatWasNotDeclared) {
  asking_server server;
  server.messages = {question("1", "sampling/createMessage", "{}"), question("2", "roots/list", "{}"),
                     question("3", "tasks/get", "{}")};
  server.wanted = 3;
  const auto user = std::make_shared<recording_host>(R"({"elicitation":{}})");
  ask(server, user);
  for (const std::string& answer : server.answers) EXPECT_NE(answer.find("-32601"), std::string::npos) << answer;
  EXPECT_TRUE(user->asked.empty());
}

TEST(ServerQuestions, AnswerAnElicitationWithDefaults) {
  asking_server server;
  server.messages = {question("\"e 1\"", "elicitation/create", form)};
  const auto user = std::make_shared<recording_host>(R"({"elicitation":{}})");
  user->reply = [](const std::string&, const std::string& params) -> result<std::string> {
    const auto content = mcp::with_defaults(params, R"({"name":"Bob"})");
    if (!content) return content.error();
    return R"({"action":"accept","content":)" + *content + "}";
  };
  ask(server, user);
  EXPECT_EQ(server.answers.back(),
            R"({"jsonrpc":"2.0","id":"e 1","result":{"action":"accept","content":{"name":"Bob","color":"red"}}})");
  EXPECT_EQ(user->asked, std::vector<std::string>(2, "elicitation/create " + form));  // on either stream
}

TEST(ServerQuestions, RefuseAModeThatWasNotDeclared) {
  asking_server server;
  server.messages = {question("5", "elicitation/create", R"({"mode":"url","message":"m","url":"https://example.org/"})")};
  const auto user = std::make_shared<recording_host>(R"({"elicitation":{}})");
  ask(server, user);
  EXPECT_NE(server.answers.back().find("-32602"), std::string::npos) << server.answers.back();
  EXPECT_TRUE(user->asked.empty());
}

TEST(ServerQuestions, PassOnARefusalOfTheHost) {
  asking_server server;
  server.messages = {question("1", "roots/list", "{}"), question("2", "roots/list", R"({"bad":1})")};
  server.wanted = 2;
  const auto user = std::make_shared<recording_host>(R"({"roots":{}})");
  user->reply = [](const std::string&, const std::string& params) -> result<std::string> {
    return params.find("bad") == std::string::npos ? error(errc::stopped, "the person says no")
                                                   : error(errc::bad_argument, "what?");
  };
  ask(server, user);
  std::sort(server.answers.begin(), server.answers.end());
  EXPECT_EQ(server.answers[0], R"({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"the person says no"}})");
  EXPECT_EQ(server.answers[1], R"({"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"what?"}})");
}

asio::awaitable<void> call_into(mcp::client& client, mcp::call_options how, std::optional<result<mcp::call_result>>& out) {
  auto called = co_await client.call_tool("plain", "{}", std::move(how));
  out = std::move(called);
}

asio::awaitable<void> takes_back(mcp::client& client, asking_server& server, user_ptr user) {
  std::optional<result<mcp::call_result>> called;
  aio::task_group group(co_await asio::this_coro::executor);
  group.spawn("call", call_into(client, mcp::call_options(), called));
  const bool asked = co_await eventually([&user] { return user->asked.size() == 1; });
  EXPECT_TRUE(asked);
  server.call_rest->add(
      event(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q","reason":"late"}})"));
  const bool back = co_await eventually([&user] { return user->taken_back == 1; });
  EXPECT_TRUE(back);
  server.call_rest->add(event_of(server.call, R"({"content":[]})"));
  co_await group.join();
  EXPECT_TRUE(called && called->has_value());
  EXPECT_TRUE(server.answers.empty());  // nobody waits for it any more
}

TEST(ServerQuestions, EndWhenTheServerTakesThemBack) {
  asking_server server;
  server.messages = {question("\"q\"", "roots/list", "{}")};
  const auto user = std::make_shared<recording_host>(R"({"roots":{}})");
  user->thinks = true;
  auto options = test_options();
  options.user = user;
  with_client(server.made(), options,
              [&](mcp::client& client, scripted_server&) { return takes_back(client, server, user); });
}

asio::awaitable<void> closes_on_a_question(mcp::client& client, user_ptr user) {
  std::optional<result<mcp::call_result>> called;
  aio::task_group group(co_await asio::this_coro::executor);
  group.spawn("call", call_into(client, mcp::call_options(), called));
  const bool asked = co_await eventually([&user] { return user->asked.size() == 1; });
  EXPECT_TRUE(asked);
  co_await client.close();
  co_await group.join();
  EXPECT_EQ(user->taken_back, 1);
  CO_ASSERT_TRUE(called.has_value());
  CO_ASSERT_FAILS(*called, errc::stopped);
}

TEST(ServerQuestions, EndOnClose) {
  asking_server server;
  server.messages = {question("\"q\"", "roots/list", "{}")};
  const auto user = std::make_shared<recording_host>(R"({"roots":{}})");
  user->thinks = true;
  auto options = test_options();
  options.user = user;
  with_client(server.made(), options,
              [&](mcp::client& client, scripted_server&) { return closes_on_a_question(client, user); });
}

// Progress.

std::string progress(const http_seen& call, int step) {
  return event(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" + call.rpc_id +
               R"(,"progress":)" + std::to_string(step) + R"(,"total":7.5,"message":"step"}})");
}

asio::awaitable<void> progresses(mcp::client& client, asking_server& server, int steps, bool answered) {
  std::vector<mcp::progress_report> reports;
  mcp::call_options how;
  how.timeout = 400ms;
  how.at_most = 1200ms;
  how.on_progress = [&reports](const mcp::progress_report& report) { reports.push_back(report); };
  std::optional<result<mcp::call_result>> called;
  aio::task_group group(co_await asio::this_coro::executor);
  const auto begun = steady::now();
  group.spawn("call", call_into(client, how, called));
  const bool there = co_await eventually([&server] { return server.call_rest->begun; });
  EXPECT_TRUE(there);
  EXPECT_NE(server.call.body.find(R"("progressToken":)" + server.call.rpc_id), std::string::npos) << server.call.body;
  for (int step = 1; step <= steps && !called; ++step) {
    const auto next = steady::now() + 100ms;  // the pace of the server
    co_await aio::wait_until(next);
    server.call_rest->add(progress(server.call, step));
  }
  if (answered) server.call_rest->add(event_of(server.call, R"({"content":[]})"));
  co_await group.join();
  const auto took = steady::now() - begun;
  CO_ASSERT_TRUE(called.has_value());
  CO_ASSERT_TRUE(reports.size() > 1);
  EXPECT_EQ(reports[1].progress, 2);
  EXPECT_EQ(reports[1].total, 7.5);
  EXPECT_EQ(reports[1].message, "step");
  if (answered) {
    CO_ASSERT_OK(*called);
    EXPECT_GT(took, how.timeout);
    EXPECT_EQ(reports.size(), static_cast<std::size_t>(steps));
  } else {
    CO_ASSERT_FAILS(*called, errc::outcome_unknown);
    EXPECT_GE(took, how.at_most);
  }
}

void make_progress(int steps, bool answered) {
  asking_server server;
  with_client(server.made(), test_options(),
              [&](mcp::client& client, scripted_server&) { return progresses(client, server, steps, answered); });
}

TEST(Progress, ExtendsTheDeadline) { make_progress(8, true); }
TEST(Progress, ExtendsTheDeadlineOnlySoFar) { make_progress(1000, false); }

// Cancelling.

asio::awaitable<void> cancels(mcp::client& client, scripted_server& server, asking_server& script, bool modern) {
  auto calling = client.call_tool("plain", "{}", mcp::call_options());
  std::optional<result<mcp::call_result>> called;
  const auto begun = [&script] { return script.call_rest->begun; };
  {
    using namespace asio::experimental::awaitable_operators;
    auto both = std::move(calling) || eventually(begun);
    auto either = co_await std::move(both);  // the call is cancelled when the server has it
    EXPECT_EQ(either.index(), 1U);
  }
  const bool gone = co_await eventually([&script] { return script.call_rest->gone; });
  EXPECT_TRUE(gone);
  if (modern) {
    auto pinged = co_await client.ping();  // whatever else was to be sent has been by now
    CO_ASSERT_OK(pinged);
    EXPECT_EQ(server.count("notifications/cancelled"), 0);
    co_return;
  }
  const bool told = co_await eventually([&server] { return server.count("notifications/cancelled") == 1; });
  CO_ASSERT_TRUE(told);
  const std::string body = server.nth("notifications/cancelled").body;
  EXPECT_NE(body.find(R"("requestId":)" + script.call.rpc_id), std::string::npos) << body;
}

TEST(Cancellation, SendsAMessageInTheOldEra) {
  asking_server script;
  with_client(script.made(), test_options(),
              [&](mcp::client& client, scripted_server& server) { return cancels(client, server, script, false); });
}

TEST(Cancellation, ClosesTheStreamInTheModernEra) {
  asking_server script;
  with_client(
      [inner = script.made()](const http_seen& request) {
        if (request.rpc_method != "server/discover") return inner(request);
        return result_reply(request, R"({"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}})");
      },
      test_options(), [&](mcp::client& client, scripted_server& server) { return cancels(client, server, script, true); });
}

}  // namespace
}  // namespace mcpstate::test
