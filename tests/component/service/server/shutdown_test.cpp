// SPDX-License-Identifier: MIT
// The two phases of a stop, and who may listen where.
#include "component/service/service_fixture.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

// A server that accepts and never says a word: what waits for it waits.
class silent_server {
 public:
  explicit silent_server(asio::any_io_executor executor)
      : acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/mcp";
  }

 private:
  tcp::acceptor acceptor_;
};

asio::awaitable<void> waiting_put(raw_client& c, std::string url) {
  const std::string body = R"({"url":")" + url + R"("})";
  co_await c.send(with_body("PUT", "/v1/users/42/connections/github?wait=60s", body));
}

CO_TEST(Shutdown, AnswersRequestsUnderWayAndEndsTheRest) {
  service_fixture f(context, quick_options());
  co_await f.start();
  const silent_server silent(f.executor());
  auto idle = co_await f.client();
  EXPECT_EQ((co_await idle->ask(get("/healthz"))).status, 200u);
  auto follower = co_await f.client();
  co_await follower->send(get("/v1/users/42/events"));
  static_cast<void>(co_await follower->until("event: ready\ndata: {}\n\n"));
  auto waiting = co_await f.client();
  co_await waiting_put(*waiting, silent.url());
  auto slow = co_await f.client();
  co_await slow->send("GET /heal");
  static_cast<void>(co_await follower->until("CONNECTING"));
  const auto port = f.port();

  const auto from = steady::now();
  co_await f.server->close();
  EXPECT_LT(steady::now() - from, 2s);

  EXPECT_EQ(co_await idle->rest(), "");
  const auto answer = co_await waiting->answer();
  EXPECT_EQ(answer.status, 202u) << answer.body;
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_NE(answer.body.find("CONNECTING"), std::string::npos) << answer.body;
  EXPECT_EQ((co_await follower->rest()).find("(nothing)"), std::string::npos);
  EXPECT_EQ((co_await slow->rest()).find("(nothing)"), std::string::npos);
  tcp::socket late(f.executor());
  auto [ec] = co_await late.async_connect(tcp::endpoint(asio::ip::address_v4::loopback(), port), aio::use_ec);
  EXPECT_TRUE(ec);
  co_await f.manager->close();
  co_await f.store->close();
}

SERVICE_TEST(Shutdown, DoesNotWaitForClientsThatLeft) {
  const silent_server silent(f.executor());
  auto c = co_await f.client();
  co_await waiting_put(*c, silent.url());
  CO_ASSERT_TRUE(co_await eventually([&f] { return f.manager->counts().managed_here > 0 || f.server->connections() == 0; }));
  c->close();
  EXPECT_TRUE(co_await eventually([&f] { return f.server->connections() == 0; }, 5s));
}

CO_TEST(Shutdown, RefusesToListenBeyondThisMachineWithoutAToken) {
  auto options = quick_options();
  options.listen.at(0).host = "0.0.0.0";
  service_fixture f(context, options);
  const auto open = co_await f.server->listen();
  CO_ASSERT_FAILS(open, errc::bad_argument);
  co_await f.stop();
}

SERVICE_TEST(Shutdown, ReportsAPortInUse) {
  auto options = quick_options();
  options.listen.at(0).port = f.port();
  service::shard_set own_shards;
  own_shards.add(*f.store, *f.manager, f.process);
  service::server another(f.process, own_shards, options);
  const auto taken = co_await another.listen();
  CO_ASSERT_FAILS(taken, errc::connect_failed);
  EXPECT_NE(taken.error().detail().find("running already"), std::string::npos);
  co_await another.close();
}

asio::awaitable<void> tokens_change(service_fixture& f) {
  auto c = co_await f.client();
  const std::string first = "Authorization: Bearer first-token-of-enough-bytes\r\n";
  const std::string second = "Authorization: Bearer second-token-of-enough-bytes\r\n";
  EXPECT_EQ((co_await c->ask(get("/v1/owners", first))).status, 200u);
  const auto refused = co_await c->ask(get("/v1/owners", second));
  EXPECT_EQ(refused.status, 401u);
  EXPECT_EQ(refused.field("WWW-Authenticate"), "Bearer");
  f.set_keys(service::access_keys::parse("second-token-of-enough-bytes").value());
  EXPECT_EQ((co_await c->ask(get("/v1/owners", first))).status, 401u);
  EXPECT_EQ((co_await c->ask(get("/v1/owners", second))).status, 200u);
  EXPECT_EQ(f.log_text().find("enough-bytes"), std::string::npos);
}

TEST(Shutdown, ChecksTheTokenOfEachRequest) {
  auto options = quick_options();
  options.process.keys = service::access_keys::parse("first-token-of-enough-bytes").value();
  with_service(tokens_change, options);
}

}  // namespace
}  // namespace mcpstate::test
