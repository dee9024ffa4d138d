// SPDX-License-Identifier: MIT
// What tokens are good for, and for how long; what conditions and bodies are let in.
#include "component/service/service_fixture.hh"
#include "service/routes/preconditions.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* first_token = "a-service-token-of-enough-bytes";
constexpr const char* second_token = "another-token-of-enough-bytes";
const std::string events = "/v1/users/42/events";

service::access_keys keys_of(const std::string& lines) { return service::access_keys::parse(lines).value(); }

fixture_options guarded() {
  auto options = quick_options();
  options.process.keys = keys_of(first_token);
  options.process.owner_requests_per_second = 0;
  return options;
}

std::string bearer(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }

std::string owner_token(std::chrono::seconds ttl) {
  return keys_of(first_token).mint(owner::user("42").value(), ttl, wall_clock().now());
}

asio::awaitable<std::unique_ptr<raw_client>> follower(service_fixture& f, std::string token) {
  auto c = co_await f.client();
  co_await c->send(get(events, bearer(token)));
  const auto begun = co_await c->until("event: ready\ndata: {}\n\n");
  EXPECT_NE(begun.find("event: ready"), std::string::npos) << begun;
  co_return c;
}

SERVICE_TEST(Access, EndsAStreamWithItsToken, guarded()) {
  const std::string token = owner_token(2s);
  auto c = co_await follower(f, token);
  const auto last = co_await c->rest();
  EXPECT_EQ(last.find("(nothing)"), std::string::npos) << "it goes on: " << last;
  auto again = co_await f.client();
  EXPECT_EQ((co_await again->ask(get(events, bearer(token)))).status, 401u);
}

// Large changes of two records, one after the other, as long as the service has a client.
asio::awaitable<bool> write_until_nobody_reads(service_fixture& f) {
  const auto until = std::chrono::steady_clock::now() + 10s;
  for (int n = 0; f.server->connections() > 0 && std::chrono::steady_clock::now() < until; ++n) {
    change what(owner::user("42").value(), server_name::parse("s" + std::to_string(n % 2)).value(), status::connected);
    details info;
    info.capabilities = "{\"n" + std::to_string(n) + "\":\"" + std::string(50'000, 'c') + "\"}";
    what.set_details(std::move(info));
    auto putting = f.store->put(std::move(what));
    const auto written = co_await std::move(putting);
    EXPECT_TRUE(written) << written.error().detail();
    co_await aio::wait_until(aio::after(1ms));
  }
  co_return f.server->connections() == 0;
}

// Its stream is always in the middle of a frame, and never between two of them.
SERVICE_TEST(Access, EndsAStreamWithItsTokenWhoseReaderIsSlow, guarded()) {
  const auto from = std::chrono::steady_clock::now();
  raw_client slow(f.executor());
  slow.socket().open(tcp::v4());
  slow.socket().set_option(asio::socket_base::receive_buffer_size(16 * 1024));
  co_await slow.connect(f.port());
  co_await slow.send(get(events, bearer(owner_token(3s))));
  const auto begun = co_await slow.until("event: ready\ndata: {}\n\n");
  EXPECT_NE(begun.find("event: ready"), std::string::npos) << begun;
  auto writing = write_until_nobody_reads(f);
  const bool ended = co_await std::move(writing);
  EXPECT_TRUE(ended);
  EXPECT_LT(std::chrono::steady_clock::now() - from, 9s) << "a frame may take 30 s";
}

SERVICE_TEST(Access, EndsStreamsWhenTheKeyIsRemoved, guarded()) {
  auto of_owner = co_await follower(f, owner_token(1h));
  auto of_service = co_await follower(f, first_token);
  f.set_keys(keys_of(std::string(second_token) + "\n" + first_token));
  auto of_second = co_await follower(f, second_token);
  change what(owner::user("42").value(), server_name::parse("github").value(), status::connected);
  auto putting = f.store->put(std::move(what));
  const auto written = co_await std::move(putting);
  CO_ASSERT_OK(written);
  for (auto* each : {&of_owner, &of_service, &of_second}) {
    const auto news = co_await (*each)->until("CONNECTED");
    EXPECT_NE(news.find("CONNECTED"), std::string::npos) << "a key that stays is as good as before: " << news;
  }
  f.set_keys(keys_of(second_token));
  for (auto* each : {&of_owner, &of_service}) {
    const auto last = co_await (*each)->rest();
    EXPECT_EQ(last.find("(nothing)"), std::string::npos) << "it goes on: " << last;
  }
  auto last = change(owner::user("42").value(), server_name::parse("github").value(), status::disconnected);
  auto disconnecting = f.store->put(std::move(last));
  const auto down = co_await std::move(disconnecting);
  CO_ASSERT_OK(down);
  const auto news = co_await of_second->until("DISCONNECTED");
  EXPECT_NE(news.find("DISCONNECTED"), std::string::npos) << news;
}

std::string report(const std::string& server, const std::string& token) {
  return with_body("PUT", "/v1/users/42/connections/" + server + "/state", R"({"status":"CONNECTED"})", bearer(token));
}

SERVICE_TEST(Access, LimitsTheConnectionsOfAnOwnerToken, guarded()) {
  const std::string token = owner_token(1h);
  auto c = co_await f.client();
  for (std::size_t i = 0; i < service::max_owner_connections; ++i) {
    EXPECT_EQ((co_await c->ask(report("s" + std::to_string(i), token))).status, 200u);
  }
  const auto one_more = co_await c->ask(report("one-more", token));
  EXPECT_EQ(one_more.status, 422u);
  EXPECT_NE(one_more.body.find("urn:mcpstate:problem:invalid"), std::string::npos) << one_more.body;
  const std::string place = R"({"url":"https://mcp.invalid/mcp"})";
  const auto connect = co_await c->ask(with_body("PUT", "/v1/users/42/connections/one-more", place, bearer(token)));
  EXPECT_EQ(connect.status, 422u);
  EXPECT_EQ((co_await c->ask(get("/v1/users/42/connections/one-more", bearer(token)))).status, 404u);
  EXPECT_EQ((co_await c->ask(report("s7", token))).status, 200u) << "what is there can be changed";
  EXPECT_EQ((co_await c->ask(report("one-more", first_token))).status, 200u) << "a service knows what it does";
}

SERVICE_TEST(Access, RefusesUncheckedConditions, guarded()) {
  auto c = co_await f.client();
  EXPECT_EQ((co_await c->ask(report("github", first_token))).status, 200u);
  for (const std::string field : {"If-Match: \"r1\"\r\n", "If-None-Match: *\r\n"}) {
    const std::string fields = bearer(first_token) + field;
    const auto all = co_await c->ask("DELETE /v1/users/42/connections HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    EXPECT_EQ(all.status, 400u) << field;
    const auto owner = co_await c->ask("DELETE /v1/users/42 HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    EXPECT_EQ(owner.status, 400u) << field;
  }
  const auto still = co_await c->ask(get("/v1/users/42/connections/github", bearer(first_token)));
  EXPECT_NE(still.body.find("\"CONNECTED\""), std::string::npos) << still.body;
}

fixture_options with_little_room() {
  auto options = quick_options();
  options.process.request_bodies_bytes = options.process.owner_request_bodies_bytes = 1024 * 1024;
  return options;
}

SERVICE_TEST(Access, LimitsTheBytesOfAllBodies, with_little_room()) {
  const std::string target = "/v1/users/42/connections/github/state";
  const std::string large = R"({"status":"CONNECTED","tools":[{"name":")" + std::string(700'000, 'x') + "\"}]}";
  auto first = co_await f.client();
  const auto whole = with_body("PUT", target, large);
  co_await first->send(whole.substr(0, whole.size() - 1));
  auto second = co_await f.client();
  // The service may not have seen the other one yet.
  raw_answer no;
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (no.status != 503u && std::chrono::steady_clock::now() < until) {
    second = co_await f.client();
    no = co_await second->ask(with_body("PUT", target, large));
  }
  EXPECT_EQ(no.status, 503u) << no.body;
  EXPECT_EQ(no.field("Retry-After"), "1");
  EXPECT_NE(f.log_text().find("too many large requests are under way"), std::string::npos) << f.log_text();
  auto third = co_await f.client();
  EXPECT_EQ((co_await third->ask(with_body("PUT", target, R"({"status":"CONNECTED"})"))).status, 200u) << "small ones fit";
  EXPECT_EQ((co_await first->ask(whole.substr(whole.size() - 1))).status, 200u);
  EXPECT_EQ((co_await third->ask(whole)).status, 200u) << "there is room again";
}

fixture_options with_few_attempts() {
  auto options = guarded();
  options.process.owner_connects_per_second = 0.01;
  options.process.owner_connect_burst = 2;
  return options;
}

SERVICE_TEST(Access, LimitsHowOftenAnOwnerTokenMakesUsConnect, with_few_attempts()) {
  const std::string token = owner_token(1h);
  const std::string target = "/v1/users/42/connections/github";
  const auto put = [&](const std::string& sender) {
    return with_body("PUT", target, R"({"server":"none"})", bearer(sender));
  };
  auto c = co_await f.client();
  EXPECT_EQ((co_await c->ask(put(token))).status, 422u);
  EXPECT_EQ((co_await c->ask(put(token))).status, 422u);
  c = co_await f.client();
  const auto limited = co_await c->ask(put(token));
  EXPECT_EQ(limited.status, 429u);
  EXPECT_NE(limited.field("Retry-After"), "");
  c = co_await f.client();
  const auto retry = co_await c->ask("POST " + target + "/retry HTTP/1.1\r\nHost: localhost\r\n" + bearer(token) + "\r\n");
  EXPECT_EQ(retry.status, 429u);
  const std::string other = keys_of(first_token).mint(owner::user("bob").value(), 1h, wall_clock().now());
  EXPECT_EQ((co_await c->ask(get("/v1/users/42/connections", bearer(token)))).status, 200u);
  EXPECT_EQ((co_await c->ask(with_body("PUT", "/v1/users/bob/connections/a", R"({"server":"none"})", bearer(other)))).status,
            422u);
}

}  // namespace
}  // namespace mcpstate::test
