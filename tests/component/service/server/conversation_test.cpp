// SPDX-License-Identifier: MIT
// What one connection carries: request after request, interim answers, streams.
#include "component/service/service_fixture.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

asio::awaitable<result<connection>> put(service_fixture& f, std::string server, status to, std::string tools = {}) {
  change what(owner::user("42").value(), server_name::parse(server).value(), to);
  if (!tools.empty()) what.tools(tools_list::parse(std::move(tools)).value());
  co_return co_await f.store->put(std::move(what));
}

SERVICE_TEST(Conversation, AnswersPipelinedRequestsInOrder) {
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const std::string id = "X-Request-Id: " + std::to_string(i) + "\r\n";
    const std::string server = "/v1/users/42/connections/s" + std::to_string(i);
    all += i % 2 == 0 ? with_body("PUT", server + "/state", R"({"status":"FAILED","reason":"no"})", id)
                      : get("/v1/users/42/connections", id);
  }
  auto c = co_await f.client();
  co_await c->send(std::move(all));
  for (int i = 0; i < 200; ++i) {
    const auto answer = co_await c->answer();
    EXPECT_EQ(answer.status, 200u) << answer.body;
    EXPECT_EQ(answer.field("X-Request-Id"), std::to_string(i));
    // Each sees what those before it wrote.
    const std::string last = "\"server\":\"s" + std::to_string(i - i % 2) + "\"";
    EXPECT_NE(answer.body.find(last), std::string::npos) << i << answer.body;
  }
}

SERVICE_TEST(Conversation, SurvivesARefusedRequest) {
  auto c = co_await f.client();
  co_await c->send(get("/v1/nothing") + get("/healthz") + "DELETE /v1/owners HTTP/1.1\r\nHost: localhost\r\n\r\n" +
                   get("/healthz"));
  EXPECT_EQ((co_await c->answer()).status, 404u);
  EXPECT_EQ((co_await c->answer()).status, 200u);
  const auto wrong_method = co_await c->answer();
  EXPECT_EQ(wrong_method.status, 405u);
  EXPECT_EQ(wrong_method.field("Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ((co_await c->answer()).status, 200u);
}

SERVICE_TEST(Conversation, AsksForABodyOnlyWhenItIsWanted) {
  auto c = co_await f.client();
  const std::string body = R"({"status":"CONNECTED"})";
  const std::string whole = with_body("PUT", "/v1/users/42/connections/github/state", body, "Expect: 100-continue\r\n");
  co_await c->send(whole.substr(0, whole.size() - body.size()));
  EXPECT_EQ((co_await c->answer(false)).status, 100u);
  EXPECT_EQ((co_await c->ask(body)).status, 200u);
  // Whoever does not wait is not told to go on.
  EXPECT_EQ((co_await c->ask(whole)).status, 200u);
  // Whoever would be refused anyway hears it before the body.
  const auto refused = co_await c->ask(
      "PUT /v1/users/42/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(refused.status, 404u);
  EXPECT_EQ(refused.field("Connection"), "close");
}

SERVICE_TEST(Conversation, AnswersHeadLikeGetWithoutABody) {
  const auto written = co_await put(f, "github", status::connected, R"([{"name":"a"}])");
  CO_ASSERT_OK(written);
  auto c = co_await f.client();
  for (const char* target :
       {"/v1/users/42/connections", "/v1/users/42/connections/github/tools", "/healthz", "/", "/openapi.json"}) {
    const auto full = co_await c->ask(get(target));
    co_await c->send("HEAD " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto head = co_await c->answer(false);
    EXPECT_EQ(head.status, full.status) << target;
    EXPECT_EQ(head.field("Content-Length"), full.field("Content-Length")) << target;
    EXPECT_EQ(head.field("ETag"), full.field("ETag")) << target;
  }
  // No body came that could be taken for the next answer.
  EXPECT_EQ((co_await c->ask(get("/healthz"))).body, R"({"status":"ok"})");
}

SERVICE_TEST(Conversation, ServesHttp10Clients) {
  auto c = co_await f.client();
  co_await c->send("GET /healthz HTTP/1.0\r\n\r\n");
  const auto all = co_await c->rest();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 200 OK\r\n")) << all;
  EXPECT_TRUE(all.ends_with("{\"status\":\"ok\"}")) << all;
  auto kept = co_await f.client();
  const std::string asks = "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  EXPECT_EQ((co_await kept->ask(asks)).field("Connection"), "keep-alive");
  EXPECT_EQ((co_await kept->ask(asks)).status, 200u);
}

SERVICE_TEST(Conversation, HonoursConditionsOfReadsAndWrites) {
  auto c = co_await f.client();
  const std::string target = "/v1/users/42/connections/github";
  const std::string state = R"({"status":"CONNECTED","tools":[ {"name" : "a", "n": 1.0} ]})";
  const auto first = co_await c->ask(with_body("PUT", target + "/state", state, "If-None-Match: *\r\n"));
  EXPECT_EQ(first.status, 200u) << first.body;
  EXPECT_EQ((co_await c->ask(with_body("PUT", target + "/state", state, "If-None-Match: *\r\n"))).status, 412u);
  const auto tag = first.field("ETag");
  EXPECT_EQ((co_await c->ask(get(target, "If-None-Match: " + tag + "\r\n"))).status, 304u);
  const auto tools = co_await c->ask(get(target + "/tools"));
  EXPECT_EQ(tools.body, R"([ {"name" : "a", "n": 1.0} ])");
  EXPECT_EQ((co_await c->ask(get(target + "/tools", "If-None-Match: " + tools.field("ETag") + "\r\n"))).status, 304u);
  const auto second = co_await c->ask(with_body("PUT", target + "/state", state, "If-Match: " + tag + "\r\n"));
  EXPECT_EQ(second.status, 200u);
  EXPECT_EQ((co_await c->ask(with_body("PUT", target + "/state", state, "If-Match: " + tag + "\r\n"))).status, 412u);
  const std::string drop = "DELETE " + target + " HTTP/1.1\r\nHost: localhost\r\nIf-Match: ";
  EXPECT_EQ((co_await c->ask(drop + tag + "\r\n\r\n")).status, 412u);
  EXPECT_EQ((co_await c->ask(drop + second.field("ETag") + "\r\n\r\n")).body, R"({"disconnected":1})");
  const auto list = co_await c->ask(get("/v1/users/42/connections"));
  EXPECT_NE(list.body.find("DISCONNECTED"), std::string::npos);
  EXPECT_EQ((co_await c->ask(get("/v1/users/42/connections", "If-None-Match: " + list.field("ETag") + "\r\n"))).status,
            304u);
}

// More pieces than one system call takes, and more bytes than the kernel keeps.
SERVICE_TEST(Conversation, SendsListsOfManyLargeRecordsWhole) {
  const auto who = owner::user("42").value();
  for (int n = 0; n < 80; ++n) {
    change up(who, server_name::parse("server" + std::to_string(n)).value(), status::connected);
    up.tools(tools_list::parse("[\"" + std::string(150'000, char('a' + n % 26)) + "\"]").value());
    auto work = f.store->put(std::move(up));
    const auto put = co_await std::move(work);
    CO_ASSERT_OK(put);
  }
  const auto all = co_await f.store->list(who, tools_wanted::yes);
  CO_ASSERT_OK(all);
  std::string whole;
  for (const auto& c : **all) whole += (whole.empty() ? "[" : ",") + to_json(c);
  auto c = co_await f.client();
  const auto target = "/v1/users/42/connections?tools=true";
  const auto got = co_await c->ask(get(target));
  EXPECT_EQ(got.status, 200u);
  EXPECT_TRUE(got.body == whole + "]") << got.body.size() << " bytes, not " << whole.size() + 1;
  EXPECT_EQ((co_await c->ask(get(target, "If-None-Match: " + got.field("ETag") + "\r\n"))).status, 304u);
}

asio::awaitable<void> events(service_fixture& f) {
  const auto before = co_await put(f, "before", status::connected);
  CO_ASSERT_OK(before);
  auto c = co_await f.client();
  co_await c->send(get("/v1/users/42/events"));
  const auto head = co_await c->answer(false);
  EXPECT_EQ(head.status, 200u);
  EXPECT_EQ(head.field("Content-Type"), "text/event-stream");
  const auto snapshot = co_await c->until("event: ready\ndata: {}\n\n");
  EXPECT_NE(snapshot.find("\"server\":\"before\""), std::string::npos) << snapshot;
  const auto from = std::chrono::steady_clock::now();
  const auto after = co_await put(f, "after", status::failed);
  CO_ASSERT_OK(after);
  const auto change = co_await c->until("\n\n");
  EXPECT_NE(change.find("\"server\":\"after\""), std::string::npos) << change;
  EXPECT_LT(std::chrono::steady_clock::now() - from, 1s);
  const auto beat = co_await c->until(":\n\n");
  EXPECT_TRUE(beat.ends_with(":\n\n"));
  c->close();
  EXPECT_TRUE(co_await eventually([&f] { return f.server->connections() == 0; }));
}

TEST(Conversation, StreamsEventsWithHeartbeats) {
  auto options = quick_options();
  options.timeouts.heartbeat = 100ms;
  with_service(events, options);
}

SERVICE_TEST(Conversation, IsolatesAFollowerThatReadsNothing) {
  auto slow = co_await f.client();
  auto quick = co_await f.client();
  co_await slow->send(get("/v1/users/42/events"));
  co_await quick->send(get("/v1/users/42/events"));
  static_cast<void>(co_await quick->until("event: ready\ndata: {}\n\n"));
  const std::string reason(1000, 'r');
  for (int i = 0; i < 2000; ++i) {
    change what(owner::user("42").value(), server_name::parse("s" + std::to_string(i % 4)).value(), status::failed);
    failure why;
    why.code = "reported";
    why.message = reason + std::to_string(i);
    what.fail(std::move(why));
    const auto written = co_await f.store->put(std::move(what));
    CO_ASSERT_OK(written);
    if (i % 50 == 0) co_await asio::post(f.executor(), asio::use_awaitable);
  }
  const auto seen = co_await quick->until("r1999\"");
  EXPECT_TRUE(seen.ends_with("r1999\""));
}

}  // namespace
}  // namespace mcpstate::test
