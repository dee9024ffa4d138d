// SPDX-License-Identifier: MIT
// The client against a scripted server of 2026-07-28 over HTTP.
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using user_ptr = std::shared_ptr<recording_host>;

const std::string routed_tool =
    R"({"name":"routed","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}})";

// Discover and list as usual; more by method.
struct modern_server {
  modern_server() {}
  std::string capabilities = R"({"tools":{}})";
  std::string tools = plain_tool;
  std::map<std::string, scripted_server::handler> more;

  http_reply answer(const http_seen& request) {
    const auto found = more.find(request.rpc_method);
    if (found != more.end()) return found->second(request);
    if (request.rpc_method == "server/discover") {
      return result_reply(request, R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":)" +
                                       capabilities + R"(,"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m"}}})");
    }
    if (request.rpc_method == "tools/list") {
      return result_reply(request,
                          R"({"resultType":"complete","ttlMs":1000,"cacheScope":"public","tools":[)" + tools + "]}");
    }
    if (request.rpc_method == "tools/call") return result_reply(request, R"({"resultType":"complete","content":[]})");
    return usual_reply(request);
  }
  scripted_server::handler handler() {
    return [this](const http_seen& request) { return answer(request); };
  }
};

json::object params_of(const http_seen& request) {
  if (request.body.empty()) return json::object();
  return json::parse(request.body).as_object().at("params").as_object();
}

mcp::client_options with_user(const user_ptr& user) {
  auto out = test_options();
  out.user = user;
  return out;
}

task<mcp::call_result> call(mcp::client& client, std::string tool = "plain", std::string arguments = "{}") {
  co_return co_await client.call_tool(std::move(tool), std::move(arguments), mcp::call_options());
}

// What every request carries.

asio::awaitable<void> sends_everything(mcp::client& client, scripted_server& server) {
  EXPECT_EQ(client.facts().protocol_version, "2026-07-28");
  EXPECT_EQ(client.facts().title, "m");
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(listed->fresh_for, 1000ms);
  EXPECT_TRUE(listed->shared_by_users);
  auto called = co_await call(client, "plain", R"({"a":1})");
  CO_ASSERT_OK(called);
  auto read = co_await client.request("resources/read", R"({"uri":"text://é","_meta":{"x":1}})", mcp::call_options());
  CO_ASSERT_OK(read);
  auto got = co_await client.request("prompts/get", R"({"name":"review"})", mcp::call_options());
  CO_ASSERT_OK(got);
  auto pinged = co_await client.ping();
  CO_ASSERT_OK(pinged);
  co_await client.close();
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"server/discover", "(none)"}, {"tools/list", "(none)"},
      {"tools/call", "plain"},       {"resources/read", "=?base64?dGV4dDovL8Op?="},
      {"prompts/get", "review"},     {"server/discover", "(none)"}};
  CO_ASSERT_EQ(server.seen.size(), expected.size());  // and nothing at the end
  for (std::size_t i = 0; i < expected.size(); ++i) {
    http_seen& request = server.seen[i];
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.rpc_method, expected[i].first);
    EXPECT_EQ(request.headers["mcp-method"], expected[i].first);
    EXPECT_EQ(request.headers.contains("mcp-name") ? request.headers["mcp-name"] : "(none)", expected[i].second);
    EXPECT_EQ(request.headers["mcp-protocol-version"], "2026-07-28");
    EXPECT_EQ(request.headers["accept"], "application/json, text/event-stream");
    EXPECT_EQ(request.headers.count("mcp-session-id"), 0U);
    const json::object meta = params_of(request).at("_meta").as_object();
    EXPECT_EQ(meta.at("io.modelcontextprotocol/protocolVersion"), "2026-07-28");
    EXPECT_TRUE(meta.at("io.modelcontextprotocol/clientCapabilities").is_object());
    EXPECT_EQ(meta.at("io.modelcontextprotocol/clientInfo").as_object().at("name"), "mcpstate");
    EXPECT_EQ(meta.contains("x"), expected[i].first == "resources/read");
  }
}

TEST(ModernEra, SendsEverythingWithEveryRequest) {
  modern_server script;
  with_client(script.handler(), test_options(), sends_everything);
}

// Rounds of questions.

http_reply needs_input(const http_seen& request, const std::string& requests, const std::string& raw_state) {
  std::string out = R"({"resultType":"input_required")";
  if (!requests.empty()) out += R"(,"inputRequests":)" + requests;
  if (!raw_state.empty()) out += R"(,"requestState":)" + raw_state;
  return result_reply(request, out + "}");
}

const std::string who = R"({"guest":{"method":"elicitation/create","params":{"message":"Who?","requestedSchema":{}}}})";
const std::string odd_state = R"("round 1: \"\u00e9\" \\ \/ =")";

asio::awaitable<void> answers_rounds(mcp::client& client, scripted_server& server, user_ptr user) {
  auto called = co_await call(client, "plain", R"({"a":1.50})");
  CO_ASSERT_OK(called);
  EXPECT_EQ(called->body, R"({"resultType":"complete","content":[]})");
  CO_ASSERT_EQ(server.count("tools/call"), 3);
  EXPECT_EQ(user->asked.size(), 1U);
  const http_seen first = server.nth("tools/call", 0);
  const http_seen second = server.nth("tools/call", 1);
  const http_seen third = server.nth("tools/call", 2);
  EXPECT_NE(first.rpc_id, second.rpc_id);
  EXPECT_NE(second.rpc_id, third.rpc_id);
  EXPECT_EQ(first.body.find("requestState"), std::string::npos);
  EXPECT_EQ(first.body.find("inputResponses"), std::string::npos);
  EXPECT_NE(second.body.find(R"("requestState":)" + odd_state), std::string::npos) << second.body;
  EXPECT_NE(second.body.find(R"("inputResponses":{"guest":{"action":"accept","content":{"name":"Bob"}}})"),
            std::string::npos)
      << second.body;
  EXPECT_NE(second.body.find(R"("arguments":{"a":1.50})"), std::string::npos) << second.body;
  EXPECT_NE(third.body.find(R"("requestState":"two")"), std::string::npos) << third.body;
  EXPECT_EQ(third.body.find("inputResponses"), std::string::npos) << third.body;
  EXPECT_EQ(third.body.find("round 1"), std::string::npos) << third.body;
  for (const http_seen& each : {first, second, third}) EXPECT_EQ(each.headers.at("mcp-name"), "plain");
  auto other = co_await call(client);  // nothing of it is left
  CO_ASSERT_OK(other);
  EXPECT_EQ(server.nth("tools/call", 3).body.find("requestState"), std::string::npos);
}

TEST(ModernRounds, AreAnswered) {
  modern_server script;
  int round = 0;
  script.more["tools/call"] = [&round](const http_seen& request) {
    ++round;
    if (round == 1) return needs_input(request, who, odd_state);
    if (round == 2) return needs_input(request, "", R"("two")");
    return result_reply(request, R"({"resultType":"complete","content":[]})");
  };
  const auto user = std::make_shared<recording_host>(R"({"elicitation":{}})");
  user->reply = [](const std::string&, const std::string&) -> result<std::string> {
    return std::string(R"({"action":"accept","content":{"name":"Bob"}})");
  };
  with_client(script.handler(), with_user(user),
              [=](mcp::client& client, scripted_server& server) { return answers_rounds(client, server, user); });
}

asio::awaitable<void> call_fails(mcp::client& client, scripted_server& server, errc code, long calls) {
  auto called = co_await call(client);
  CO_ASSERT_FAILS(called, code);
  EXPECT_EQ(server.count("tools/call"), calls);
}

void fail_call(scripted_server::handler answer, const user_ptr& user, errc code, long calls) {
  modern_server script;
  script.more["tools/call"] = std::move(answer);
  with_client(script.handler(), with_user(user),
              [=](mcp::client& client, scripted_server& server) { return call_fails(client, server, code, calls); });
}

TEST(ModernRounds, RefuseWhatWasNotOffered) {
  const auto answer = [](const http_seen& request) { return needs_input(request, who, ""); };
  fail_call(answer, nullptr, errc::unsupported, 1);
  fail_call(answer, std::make_shared<recording_host>(R"({"sampling":{}})"), errc::unsupported, 1);
  const auto page = [](const http_seen& request) {
    return needs_input(request, R"({"p":{"method":"elicitation/create","params":{"mode":"url","url":"https://x/"}}})", "");
  };
  const auto user = std::make_shared<recording_host>(R"({"elicitation":{}})");
  user->reply = [](const std::string&, const std::string&) -> result<std::string> { return std::string("{}"); };
  fail_call(page, user, errc::unsupported, 1);  // a mode that was not declared
  EXPECT_TRUE(user->asked.empty());
}

TEST(ModernRounds, AreLimited) {
  const auto user = std::make_shared<recording_host>(R"({"elicitation":{}})");
  user->reply = [](const std::string&, const std::string&) -> result<std::string> { return std::string("{}"); };
  fail_call([](const http_seen& request) { return needs_input(request, who, R"("s")"); }, user, errc::protocol, 10);
}

TEST(ModernRounds, RefuseEmptyRounds) {
  fail_call([](const http_seen& request) { return needs_input(request, "", ""); }, nullptr, errc::protocol, 1);
}

TEST(ModernRounds, FailWhenTheHostDoesNotAnswer) {
  const auto user = std::make_shared<recording_host>(R"({"elicitation":{}})");
  user->reply = [](const std::string&, const std::string&) -> result<std::string> {
    return error(errc::auth_failed, "not now");
  };
  fail_call([](const http_seen& request) { return needs_input(request, who, ""); }, user, errc::auth_failed, 1);
}

TEST(ModernEra, RefusesAResultOfAnUnknownType) {
  fail_call([](const http_seen& request) { return result_reply(request, R"({"resultType":"later"})"); }, nullptr,
            errc::protocol, 1);
}

asio::awaitable<void> call_works(mcp::client& client) {
  auto called = co_await call(client);
  CO_ASSERT_OK(called);
}

TEST(ModernEra, AcceptsAResultWithoutAType) {
  modern_server script;
  script.more["tools/call"] = [](const http_seen& request) { return result_reply(request, R"({"content":[]})"); };
  with_client(script.handler(), test_options(), [](mcp::client& client, scripted_server&) { return call_works(client); });
}

// Headers of tools.

asio::awaitable<void> lists_first(mcp::client& client, scripted_server& server) {
  EXPECT_EQ(server.count("tools/list"), 0);
  auto called = co_await call(client, "routed", R"({"region":" Zürich"})");
  CO_ASSERT_OK(called);
  EXPECT_EQ(server.count("tools/list"), 1);
  EXPECT_EQ(server.nth("tools/call").headers["mcp-param-region"], "=?base64?IFrDvHJpY2g=?=");
  auto without = co_await call(client, "routed", R"({"region":null})");
  CO_ASSERT_OK(without);
  EXPECT_EQ(server.count("tools/list"), 1);
  EXPECT_EQ(server.nth("tools/call", 1).headers.count("mcp-param-region"), 0U);
}

TEST(ModernHeaders, AreTakenFromAListing) {
  modern_server script;
  script.tools = routed_tool;
  with_client(script.handler(), test_options(), lists_first);
}

asio::awaitable<void> lists_again(mcp::client& client, scripted_server& server, modern_server& script) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  script.tools = routed_tool;  // the server has learnt something
  auto called = co_await call(client, "routed", R"({"region":"eu"})");
  CO_ASSERT_OK(called);
  EXPECT_EQ(server.count("tools/list"), 2);
  EXPECT_EQ(server.count("tools/call"), 2);
  EXPECT_EQ(server.nth("tools/call", 0).headers.count("mcp-param-region"), 0U);
  EXPECT_EQ(server.nth("tools/call", 1).headers["mcp-param-region"], "eu");
}

TEST(ModernHeaders, AreRebuiltOnAMismatch) {
  modern_server script;
  script.tools = R"({"name":"routed","inputSchema":{"type":"object"}})";
  script.more["tools/call"] = [](const http_seen& request) {
    if (!request.headers.contains("mcp-param-region")) return error_reply(request, 400, -32020, "mismatch");
    return result_reply(request, "{}");
  };
  with_client(script.handler(), test_options(),
              [&](mcp::client& client, scripted_server& server) { return lists_again(client, server, script); });
}

TEST(ModernHeaders, FailOnALastingMismatch) {
  fail_call([](const http_seen& request) { return error_reply(request, 400, -32020, "mismatch"); }, nullptr, errc::rpc_error,
            2);
}

asio::awaitable<void> request_fails(mcp::client& client, scripted_server& server) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  auto read = co_await client.request("resources/read", R"({"uri":"x"})", mcp::call_options());
  CO_ASSERT_FAILS(read, errc::rpc_error);
  EXPECT_EQ(server.count("resources/read"), 1);
}

TEST(ModernHeaders, FailOnAMismatchOfAnyOtherRequest) {
  modern_server script;
  script.more["resources/read"] = [](const http_seen& request) { return error_reply(request, 400, -32020, "mismatch"); };
  with_client(script.handler(), test_options(), request_fails);
}

// Streams that break.

asio::awaitable<void> lists(mcp::client& client, scripted_server& server, long times) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(server.count("tools/list"), times);
  EXPECT_NE(server.nth("tools/list", 0).rpc_id, server.nth("tools/list", 1).rpc_id);
  EXPECT_EQ(server.nth("GET").method, "");  // there is nothing to take up
}

TEST(ModernBrokenStream, RepeatsAList) {
  modern_server script;
  int asked = 0;
  script.more["tools/list"] = [&asked](const http_seen& request) {
    if (++asked == 1) return stream_reply("retry: 1\nid: 1\ndata:\n\n");
    return stream_reply(event_of(request, R"({"tools":[)" + plain_tool + "]}"));
  };
  with_client(script.handler(), test_options(),
              [](mcp::client& client, scripted_server& server) { return lists(client, server, 2); });
}

TEST(ModernBrokenStream, DoesNotRepeatACall) {
  fail_call([](const http_seen&) { return stream_reply(": working\n\n"); }, nullptr, errc::outcome_unknown, 1);
}

}  // namespace
}  // namespace mcpstate::test
