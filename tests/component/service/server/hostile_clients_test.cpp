// SPDX-License-Identifier: MIT
// Clients that are slow, greedy, half gone or up to something.
#include "component/service/service_fixture.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
fixture_options impatient() {
  auto out = quick_options();
  out.timeouts.head = 150ms;
  out.timeouts.body = 150ms;
  out.timeouts.idle = 150ms;
  out.timeouts.write = 150ms;
  out.timeouts.per_64_kib = 0ms;
  return out;
}

asio::awaitable<bool> all_gone(service_fixture& f) {
  return eventually([&f] { return f.server->connections() == 0; });
}

SERVICE_TEST(HostileClients, AreRefusedASlowHead, impatient()) {
  auto c = co_await f.client();
  co_await c->send("GET /healthz HTTP/1.1\r\nHo");
  const auto answer = co_await c->answer();
  EXPECT_EQ(answer.status, 408u);
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_EQ(co_await c->rest(), "");
}

// One byte at a time never looks idle.
SERVICE_TEST(HostileClients, AreRefusedAHeadByteByByte, impatient()) {
  auto c = co_await f.client();
  const std::string request = get("/healthz", "X-Long: " + std::string(500, 'x') + "\r\n");
  for (std::size_t i = 0; i < request.size() && f.server->connections() > 0; ++i) {
    co_await c->send(request.substr(i, 1));
    co_await aio::wait_until(aio::after(2ms));
  }
  EXPECT_EQ((co_await c->answer()).status, 408u);
}

SERVICE_TEST(HostileClients, AreRefusedASlowBody, impatient()) {
  auto c = co_await f.client();
  const std::string whole = with_body("PUT", "/v1/users/42/connections/github/state", R"({"status":"FAILED"})");
  co_await c->send(whole.substr(0, whole.size() - 1));
  EXPECT_EQ((co_await c->answer()).status, 408u);
  EXPECT_EQ(co_await c->rest(), "");
  auto who = owner::user("42").value();
  const auto all = co_await f.store->list(who, tools_wanted::no);
  EXPECT_TRUE((*all)->empty());
}

SERVICE_TEST(HostileClients, LoseIdleConnectionsSilently, impatient()) {
  auto fresh = co_await f.client();
  auto used = co_await f.client();
  EXPECT_EQ((co_await used->ask(get("/healthz"))).status, 200u);
  EXPECT_EQ(co_await fresh->rest(), "");
  EXPECT_EQ(co_await used->rest(), "");
}

SERVICE_TEST(HostileClients, BlockNobodyByReadingNothing, impatient()) {
  const std::string tool = R"({"name":")" + std::string(8 * 1024 * 1024, 't') + R"("})";
  change what(owner::user("42").value(), server_name::parse("github").value(), status::connected);
  what.tools(tools_list::parse("[" + tool + "]").value());
  const auto written = co_await f.store->put(std::move(what));
  CO_ASSERT_OK(written);
  auto c = co_await f.client();
  co_await c->send(get("/v1/users/42/connections/github/tools"));
  auto other = co_await f.client();
  EXPECT_EQ((co_await other->ask(get("/healthz"))).status, 200u);
  EXPECT_TRUE(co_await all_gone(f));
  const auto got = co_await c->rest();
  EXPECT_LT(got.size(), 8u * 1024 * 1024);
}

SERVICE_TEST(HostileClients, AreRefusedOversizedHeadsTargetsAndBodies) {
  auto head = co_await f.client();
  EXPECT_EQ((co_await head->ask(get("/healthz", "X-Long: " + std::string(20'000, 'x') + "\r\n"))).status, 431u);
  auto target = co_await f.client();
  EXPECT_EQ((co_await target->ask(get("/" + std::string(9'000, 'x')))).status, 414u);
  // The answer arrives although all of the body is sent and none of it read.
  auto body = co_await f.client();
  const std::string large(3 * 1024 * 1024, ' ');
  const auto answer = co_await body->ask(with_body("PUT", "/v1/users/42/connections/github", large));
  EXPECT_EQ(answer.status, 413u);
  EXPECT_EQ(answer.field("Connection"), "close");
  body->finish_sending();
  EXPECT_EQ(co_await body->rest(), "");
  auto chunked = co_await f.client();
  co_await chunked->send(
      "PUT /v1/users/42/connections/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n200000\r\n" +
      std::string(2 * 1024 * 1024, ' '));
  EXPECT_EQ((co_await chunked->answer()).status, 413u);
}

SERVICE_TEST(HostileClients, AreRefusedAbsurdLengths) {
  for (const char* length : {"999999999999999", "18446744073709551615", "-1", "1 1", "0x10"}) {
    auto c = co_await f.client();
    const auto answer = co_await c->ask(
        "PUT /v1/users/42/connections/github/state HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: " +
        std::string(length) + "\r\n\r\n{}");
    EXPECT_TRUE(answer.status == 413 || answer.status == 400) << length << ": " << answer.status;
    EXPECT_EQ(answer.field("Connection"), "close") << length;
  }
}

SERVICE_TEST(HostileClients, AreDisconnectedForAmbiguousRequests) {
  const std::string hidden = get("/v1/owners");
  for (const std::string fields :
       {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding : chunked\r\n", "Content-Length: 0\r\nContent-Length: 4\r\n",
        "Content-Length: 4, 4\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"}) {
    auto c = co_await f.client();
    co_await c->send("POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + fields +
                     "\r\n0\r\n\r\n" + hidden);
    c->finish_sending();
    const auto all = co_await c->rest();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 400")) << fields << all;
    EXPECT_EQ(all.find("HTTP/1.1", 1), std::string::npos) << fields << all;
  }
}

SERVICE_TEST(HostileClients, AreRefusedDuplicateFieldsAndForeignHosts) {
  for (const std::string fields : {"Host: localhost\r\n", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
                                   "Origin: http://localhost\r\nOrigin: null\r\n"}) {
    auto c = co_await f.client();
    EXPECT_EQ((co_await c->ask(get("/healthz", fields))).status, 400u) << fields;
  }
  auto c = co_await f.client();
  EXPECT_EQ((co_await c->ask("GET /healthz HTTP/1.1\r\n\r\n")).status, 400u);
  auto foreign = co_await f.client();
  EXPECT_EQ((co_await foreign->ask("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n")).status, 403u);
  auto page = co_await f.client();
  EXPECT_EQ((co_await page->ask(get("/v1/owners", "Origin: http://evil.example\r\n"))).status, 403u);
}

SERVICE_TEST(HostileClients, AreRefusedDotSegmentsButNotEncodedSlashes) {
  auto c = co_await f.client();
  for (const char* target : {"/v1/users/../users/42/connections", "/v1/users/%2e%2e/connections", "/v1/users/./connections",
                             "/v1//users/42/connections", "/v1/users/42/connections/", "/v1/users/4%/connections",
                             "/v1/users/4%00/connections", "/v1/users/%FF/connections"}) {
    const auto answer = co_await c->ask(get(target));
    EXPECT_EQ(answer.status, 400u) << target;
    EXPECT_NE(answer.body.find("urn:mcpstate:problem:bad-path"), std::string::npos) << target;
  }
  const auto put =
      co_await c->ask(with_body("PUT", "/v1/users/a%2Fb%3A/connections/io.github.x%2Fy/state", R"({"status":"CONNECTED"})"));
  EXPECT_EQ(put.status, 200u) << put.body;
  EXPECT_NE(put.body.find(R"("owner":"user:a/b:","server":"io.github.x/y")"), std::string::npos) << put.body;
  EXPECT_EQ((co_await c->ask(get("/v1/users/a%2fb%3a/connections/io.github.x%2fy"))).status, 200u);
  EXPECT_EQ((co_await c->ask(get("/v1/users/a/b/connections"))).status, 404u);
}

SERVICE_TEST(HostileClients, LoseHalfOpenConnections) {
  auto polite = co_await f.client();
  co_await polite->send(get("/healthz"));
  polite->finish_sending();
  const auto all = co_await polite->rest();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 200")) << all;
  EXPECT_EQ(all.find("(reset)"), std::string::npos);
  auto cut = co_await f.client();
  co_await cut->send("GET /healthz HT");
  cut->finish_sending();
  EXPECT_EQ(co_await cut->rest(), "");
  auto gone = co_await f.client();
  co_await gone->send(with_body("PUT", "/v1/users/42/connections/github", "{}").substr(0, 80));
  gone->close();
  EXPECT_TRUE(co_await all_gone(f));
}

asio::awaitable<void> too_many(service_fixture& f) {
  auto one = co_await f.client();
  auto two = co_await f.client();
  EXPECT_EQ((co_await one->ask(get("/healthz"))).status, 200u);
  EXPECT_EQ((co_await two->ask(get("/healthz"))).status, 200u);
  auto three = co_await f.client();
  EXPECT_EQ((co_await three->answer()).status, 503u);
  one->close();
  CO_ASSERT_TRUE(co_await eventually([&f] { return f.server->connections() == 1; }));
  auto four = co_await f.client();
  EXPECT_EQ((co_await four->ask(get("/healthz"))).status, 200u);
}

TEST(HostileClients, AreLimitedInConnections) {
  auto options = quick_options();
  options.connections = 2;
  with_service(too_many, options);
}

fixture_options with_few_connections_a_second() {
  auto out = quick_options();
  out.unlimited_peers.clear();
  out.connections_per_second = 0.01;
  out.connection_burst = 3;
  return out;
}

SERVICE_TEST(HostileClients, AreLimitedInConnectionsASecond, with_few_connections_a_second()) {
  std::vector<std::unique_ptr<raw_client>> allowed;
  for (int n = 0; n < 3; ++n) {
    allowed.push_back(co_await f.client());
    EXPECT_EQ((co_await allowed.back()->ask(get("/healthz"))).status, 200u);
  }
  auto more = co_await f.client();
  const auto refused = co_await more->answer();
  EXPECT_EQ(refused.status, 429u);
  EXPECT_EQ(refused.field("Retry-After"), "1");
  EXPECT_EQ((co_await allowed.front()->ask(get("/healthz"))).status, 200u) << "a connection that is there stays";
  EXPECT_NE(f.process.metrics.render().find("mcpstate_http_rate_limited_total 1"), std::string::npos);
  // This machine has another address.
  raw_client other(f.executor());
  other.socket().open(tcp::v4());
  other.socket().bind(tcp::endpoint(asio::ip::make_address("127.0.0.2"), 0));
  co_await other.connect(f.port());
  EXPECT_EQ((co_await other.ask(get("/healthz"))).status, 200u);
}

fixture_options with_a_trusted_proxy() {
  auto out = with_few_connections_a_second();
  out.unlimited_peers.emplace_back("127.0.0.1");
  return out;
}

SERVICE_TEST(HostileClients, AreNotTakenForTheUsersOfATrustedProxy, with_a_trusted_proxy()) {
  for (int n = 0; n < 20; ++n) {
    auto c = co_await f.client();
    EXPECT_EQ((co_await c->ask(get("/healthz"))).status, 200u);
  }
}

}  // namespace
}  // namespace mcpstate::test
