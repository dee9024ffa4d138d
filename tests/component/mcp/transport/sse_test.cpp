// SPDX-License-Identifier: MIT
// HTTP+SSE, the transport of 2024-11-05: one stream for everything that the server says, another place for messages.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using user_ptr = std::shared_ptr<recording_host>;
using rest_ptr = std::shared_ptr<http_rest>;

// Answers messages on the stream that was opened last; each stream has a place of its own.
struct sse_server {
  sse_server() {}
  std::string endpoint = "/message?sessionId=%";  // %: the number of the stream
  std::string before;                             // events that come before the place
  std::string answer_to_post = "Accepted";
  std::vector<rest_ptr> streams;
  bool drops_calls = false, drops_lists = false;

  http_reply answer(const http_seen& request) {
    if (request.method == "GET" && request.target == "/mcp") {
      EXPECT_EQ(request.headers.at("accept"), "text/event-stream");
      streams.push_back(std::make_shared<http_rest>());
      std::string place = endpoint;
      if (const auto mark = place.find('%'); mark != std::string::npos) {
        place.replace(mark, 1, std::to_string(streams.size()));
      }
      const std::string first = endpoint.empty() ? "" : "event: endpoint\ndata: " + place + "\n\n";
      return open_stream_reply(before + first, streams.back());
    }
    if (request.target == "/mcp") return text_reply(404, "text/html", "Cannot POST /mcp");
    EXPECT_EQ(request.target, "/message?sessionId=" + std::to_string(streams.size()));
    const bool drops = (request.rpc_method == "tools/call" && drops_calls) ||
                       (request.rpc_method == "tools/list" && drops_lists && streams.size() == 1);
    if (drops) {
      streams.back()->end();
      return text_reply(202, "text/plain", answer_to_post);
    }
    const std::string usual = usual_reply(request).bytes;
    const std::size_t body = usual.find("\r\n\r\n") + 4;
    if (body < usual.size()) streams.back()->add("event: message\ndata: " + usual.substr(body) + "\n\n");
    return text_reply(202, "text/plain", answer_to_post);
  }
  scripted_server::handler made() {
    return [this](const http_seen& request) { return answer(request); };
  }
};

void play(sse_server& script, const play_body& body, mcp::client_options options = test_options()) {
  with_client(script.made(), options, body);
}

asio::awaitable<void> lists(mcp::client& client, scripted_server& server, sse_server& script) {
  EXPECT_EQ(client.facts().transport, "sse");
  EXPECT_EQ(client.facts().protocol_version, "2025-11-25");
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(listed->tools.bytes(), "[" + plain_tool + "]");
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(script.streams.size(), 1U);
  EXPECT_EQ(server.count("initialize"), 2);  // refused at the first place, taken at the other
  EXPECT_EQ(server.nth("tools/list").headers["mcp-protocol-version"], "2025-11-25");
  co_await client.close();
  const bool gone = co_await eventually([&script] { return script.streams[0]->gone; });
  EXPECT_TRUE(gone);
  EXPECT_EQ(server.nth("DELETE").method, "");
}

play_body lists_with(sse_server& script) {
  return [&script](mcp::client& client, scripted_server& server) { return lists(client, server, script); };
}

TEST(HttpSse, FollowsARelativeEndpoint) {
  sse_server script;
  play(script, lists_with(script));
}

TEST(HttpSse, IgnoresEventsBeforeTheEndpoint) {
  sse_server script;
  script.before = ": hi\n\nevent: hello\ndata: {\n\nid: 1\ndata:\n\n";
  play(script, lists_with(script));
}

TEST(HttpSse, FollowsAnAbsoluteEndpoint) {
  sse_server script;
  with_client(
      [&script, inner = script.made()](const http_seen& request) {
        script.endpoint = "http://" + request.headers.at("host") + "/message?sessionId=%";
        return inner(request);
      },
      test_options(), lists_with(script));
}

asio::awaitable<void> connect_fails(sse_server& script, errc code, std::string detail) {
  const auto executor = co_await asio::this_coro::executor;
  scripted_server server(executor, script.made());
  mcp::http_target where;
  where.url = server.url();
  auto options = test_options();
  options.protocol = mcp::era_choice::sse;
  auto opened = co_await mcp::connect(executor, where, options);
  EXPECT_EQ(server.seen.size(), 1U);  // nothing was posted anywhere
  co_await server.close();
  CO_ASSERT_FAILS(opened, code);
  EXPECT_NE(opened.error().detail().find(detail), std::string::npos) << opened.error().detail();
}

void fail_to_connect(sse_server& script, errc code, const std::string& detail) {
  run_co_test([&](asio::io_context&) { return connect_fails(script, code, detail); });
}

TEST(HttpSse, RefusesAnEndpointOfAnotherOrigin) {
  for (const char* const place :
       {"http://example.org/message", "https://127.0.0.1/message", "//example.org/message", "http://127.0.0.1:1/message"}) {
    sse_server script;
    script.endpoint = place;
    fail_to_connect(script, errc::forbidden_target, "names another server");
  }
}

TEST(HttpSse, RefusesAnUnusableEndpoint) {
  sse_server script;
  script.endpoint = "http://[";
  fail_to_connect(script, errc::protocol, "no usable URL");
}

TEST(HttpSse, RefusesAnEmptyEndpoint) {
  sse_server script;
  script.endpoint = "";
  fail_to_connect(script, errc::protocol, "does not begin with an endpoint event");
}

TEST(HttpSse, ReportsAStreamThatEndsBeforeTheEndpoint) {
  const auto answer = [](const http_seen&) { return stream_reply(": bye\n\n"); };
  plan what;
  what.answer = answer;
  what.options.protocol = mcp::era_choice::sse;
  what.on_connect = fails(errc::connection_lost, "ended its event stream");
  run(what);
}

TEST(HttpSse, ReportsAMissingStream) {
  plan what;
  what.answer = [](const http_seen&) { return text_reply(404, "text/plain", "nothing"); };
  what.options.protocol = mcp::era_choice::sse;
  what.on_connect = fails(errc::http_status, "HTTP 404", "nothing");
  run(what);
}

asio::awaitable<void> opens_again(mcp::client& client, scripted_server& server, sse_server& script, user_ptr user) {
  script.streams[0]->end();
  const bool lost = co_await eventually([&user] { return user->lost.size() == 1; });
  CO_ASSERT_TRUE(lost);
  EXPECT_EQ(user->lost[0].code(), errc::connection_lost);
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(script.streams.size(), 2U);
  EXPECT_EQ(server.count("tools/list"), 1);
  EXPECT_EQ(server.nth("tools/list").target, "/message?sessionId=2");
}

TEST(HttpSse, ReopensALostStream) {
  sse_server script;
  auto options = test_options();
  const auto user = std::make_shared<recording_host>();
  options.user = user;
  play(
      script, [&](mcp::client& client, scripted_server& server) { return opens_again(client, server, script, user); },
      options);
}

asio::awaitable<void> list_is_repeated(mcp::client& client, scripted_server& server) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(server.count("tools/list"), 2);
}

TEST(HttpSse, RepeatsAListWhenTheStreamBreaks) {
  sse_server script;
  script.drops_lists = true;
  script.answer_to_post = "";
  const auto body = [](mcp::client& client, scripted_server& server) { return list_is_repeated(client, server); };
  play(script, body);
}

asio::awaitable<void> call_is_unknown(mcp::client& client, scripted_server& server) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::outcome_unknown);
  EXPECT_EQ(server.count("tools/call"), 1);
}

TEST(HttpSse, ReportsAnUnknownOutcomeWhenTheStreamBreaksInACall) {
  sse_server script;
  script.drops_calls = true;
  play(script, [](mcp::client& client, scripted_server& server) { return call_is_unknown(client, server); });
}

asio::awaitable<void> post_is_refused(mcp::client& client) {
  auto answer = co_await client.request("odd/method", "", mcp::call_options());
  CO_ASSERT_FAILS(answer, errc::http_status);
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
}

TEST(HttpSse, ReportsARefusedMessage) {
  sse_server script;
  with_client(
      [inner = script.made()](const http_seen& request) {
        return request.rpc_method == "odd/method" ? text_reply(400, "text/plain", "bad") : inner(request);
      },
      test_options(), [](mcp::client& client, scripted_server&) { return post_is_refused(client); });
}

// Questions of the server, on the one stream; the answers go to the place for messages.

asio::awaitable<void> is_asked(mcp::client& client, sse_server& script, std::vector<std::string>& answers) {
  const std::string begin = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":";
  script.streams[0]->add(begin + "\"p\",\"method\":\"ping\"}\n\n");
  script.streams[0]->add(begin + "1,\"method\":\"sampling/createMessage\",\"params\":{}}\n\n");
  script.streams[0]->add(begin + "2,\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\"}}\n\n");
  const bool all = co_await eventually([&answers] { return answers.size() == 3; });
  EXPECT_TRUE(all);
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
}

TEST(HttpSse, AnswersQuestionsOfTheServer) {
  sse_server script;
  const auto user = std::make_shared<recording_host>(R"({"elicitation":{}})");
  user->reply = [](const std::string&, const std::string&) { return R"({"action":"decline"})"; };
  auto options = test_options();
  options.user = user;
  std::vector<std::string> answers;
  with_client(
      [&, inner = script.made()](const http_seen& request) {
        if (request.method == "POST" && request.rpc_method.empty()) answers.push_back(request.body);
        return inner(request);
      },
      options, [&](mcp::client& client, scripted_server&) { return is_asked(client, script, answers); });
  std::sort(answers.begin(), answers.end());
  EXPECT_EQ(answers, std::vector<std::string>({
                         R"({"jsonrpc":"2.0","id":"p","result":{}})",
                         R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}})",
                         R"({"jsonrpc":"2.0","id":2,"result":{"action":"decline"}})",
                     }));
  EXPECT_EQ(user->asked, std::vector<std::string>({R"(elicitation/create {"message":"Who?"})"}));
}

asio::awaitable<void> cancels_a_call(mcp::client& client, scripted_server& server) {
  using namespace asio::experimental::awaitable_operators;
  auto calling = client.call_tool("plain", "{}", mcp::call_options());
  auto both = std::move(calling) || eventually([&server] { return server.count("tools/call") == 1; });
  auto either = co_await std::move(both);
  EXPECT_EQ(either.index(), 1U);
  const bool told = co_await eventually([&server] { return server.count("notifications/cancelled") == 1; });
  EXPECT_TRUE(told);
  const std::string body = server.nth("notifications/cancelled").body;
  EXPECT_NE(body.find(R"("requestId":)" + server.nth("tools/call").rpc_id), std::string::npos) << body;
  auto pinged = co_await client.ping();  // the stream goes on
  CO_ASSERT_OK(pinged);
}

TEST(HttpSse, SendsAMessageOnCancellation) {
  sse_server script;
  with_client(
      [inner = script.made()](const http_seen& request) {
        return request.rpc_method == "tools/call" ? text_reply(202, "text/plain", "Accepted") : inner(request);
      },
      test_options(), cancels_a_call);
}

}  // namespace
}  // namespace mcpstate::test
