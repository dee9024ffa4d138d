// SPDX-License-Identifier: MIT
// Servers that answer and are not what was asked for, now or later; and what they say when they cannot serve.
#include "component/redis/link_fixture.hh"

namespace mcpstate::redis {
namespace {

link_config judged(const redis_server& server) {
  link_config config = tcp_of(server);
  config.connect_timeout = seconds(5);
  config.backoff_min = milliseconds(5);
  config.backoff_max = milliseconds(40);
  return config;
}

// Says something to the server over a link that takes any.
asio::awaitable<void> command(asio::io_context& context, const redis_server& server, request what) {
  link_config config = judged(server);
  config.expected = expected_server(expected_server::kind::any, true);
  observed_link foreign(context, config);
  auto got = co_await foreign.to.exec(std::move(what), after(seconds(5)), effect::write);
  CO_ASSERT_OK(got);
  EXPECT_FALSE(got->front().is_error()) << got->front().text;
  co_await foreign.to.close();
}

// A primary that is nowhere.
request become_replica() { return of("REPLICAOF", "127.0.0.1", "1"); }
request become_primary() { return of("REPLICAOF", "NO", "ONE"); }

CO_TEST(LinkRole, RefusesAReplicaUntilItIsAPrimary) {
  redis_options options;
  options.args = {"--replicaof", "127.0.0.1", "1"};
  redis_server server(options);
  observed_link one(context, judged(server));
  CO_ASSERT_FAILS(co_await one.to.ready(after(seconds(5))), errc::read_only);
  EXPECT_EQ(one.to.hello().role, "replica");
  auto read = of("GET", "k");
  auto got = co_await one.to.exec(std::move(read), after(seconds(5)), effect::read);
  CO_ASSERT_FAILS(got, errc::read_only);
  EXPECT_NE(got.error().detail().find("is a replica"), std::string::npos) << got.error().detail();
  EXPECT_TRUE(one.states.empty());
  co_await command(context, server, become_primary());
  CO_ASSERT_TRUE(co_await eventually([&] { return one.to.connected(); }));
  auto again = of("GET", "k");
  CO_ASSERT_OK(co_await one.to.exec(std::move(again), after(seconds(5)), effect::read));
  co_await one.to.close();
}

CO_TEST(LinkRole, RefusesANodeOfAClusterAndSaysWhatItIs) {
  redis_options options;
  options.args = {"--cluster-enabled", "yes"};
  redis_server server(options);
  observed_link one(context, judged(server));
  CO_ASSERT_FAILS(co_await one.to.ready(after(seconds(5))), errc::unsupported);
  EXPECT_EQ(one.to.hello().mode, "cluster");
  co_await one.to.close();

  link_config config = judged(server);
  config.expected = expected_server(expected_server::kind::cluster_node, false);
  observed_link node(context, config);
  CO_ASSERT_OK(co_await node.to.ready(after(seconds(5))));
  co_await node.to.close();
}

CO_TEST(LinkRole, RefusesAServerOfItsOwnWhereANodeBelongs) {
  redis_server server;
  link_config config = judged(server);
  config.expected = expected_server(expected_server::kind::cluster_node, true);
  observed_link one(context, config);
  CO_ASSERT_FAILS(co_await one.to.ready(after(seconds(5))), errc::unsupported);
  co_await one.to.close();
}

// A write shows it at once.
CO_TEST(LinkRole, LeavesAPrimaryThatRefusesAWriteAsAReplica) {
  redis_server server;
  observed_link one(context, judged(server));
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  co_await command(context, server, become_replica());
  auto write = of("SET", "k", "v");
  auto got = co_await one.to.exec(std::move(write), after(seconds(5)), effect::write);
  CO_ASSERT_OK(got);
  EXPECT_TRUE(got->front().text.starts_with("READONLY")) << got->front().text;
  CO_ASSERT_TRUE(co_await eventually([&] { return one.states.size() == 2; }));
  auto read = of("GET", "k");
  auto refused = co_await one.to.exec(std::move(read), after(seconds(5)), effect::read);
  CO_ASSERT_FAILS(refused, errc::read_only);
  co_await command(context, server, become_primary());
  CO_ASSERT_TRUE(co_await eventually([&] { return one.to.connected(); }));
  EXPECT_EQ(one.states, (std::vector<bool>{true, false, true}));
  co_await one.to.close();
}

// Reads alone do not go on for ever, however many there are.
CO_TEST(LinkRole, LeavesAPrimaryThatBecomesAReplicaWhileItIsOnlyRead) {
  redis_server server;
  link_config config = judged(server);
  config.ping_after = milliseconds(30);
  observed_link one(context, config);
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  co_await command(context, server, become_replica());
  const auto until = after(seconds(10));
  while (one.states.size() < 2 && std::chrono::steady_clock::now() < until) {
    auto read = of("GET", "k");
    auto got = co_await one.to.exec(std::move(read), after(seconds(5)), effect::read);
    if (!got) {
      EXPECT_NE(got.error().condition(), cond::outcome_unknown);
    }
  }
  EXPECT_EQ(one.states.size(), 2u);
  auto read = of("GET", "k");
  auto refused = co_await one.to.exec(std::move(read), after(seconds(5)), effect::read);
  CO_ASSERT_FAILS(refused, errc::read_only);
  co_await one.to.close();
}

CO_TEST(LinkRole, StaysOnAReplicaWhereOneWillDo) {
  redis_server server;
  link_config config = judged(server);
  config.ping_after = milliseconds(30);
  config.expected.replica_allowed = true;
  observed_link one(context, config);
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  co_await command(context, server, become_replica());
  auto write = of("SET", "k", "v");
  CO_ASSERT_OK(co_await one.to.exec(std::move(write), after(seconds(5)), effect::write));
  CO_ASSERT_TRUE(co_await eventually([&] { return one.to.hello().role == "replica"; }));
  EXPECT_EQ(one.states, std::vector<bool>(1, true));
  co_await one.to.close();
}

CO_TEST(LinkRole, NamesAServerThatIsFull) {
  redis_options options;
  options.args = {"--maxclients", "1"};
  redis_server server(options);
  observed_link first(context, judged(server));
  CO_ASSERT_OK(co_await first.to.ready(after(seconds(5))));
  observed_link second(context, judged(server));
  auto told = co_await second.to.ready(after(seconds(5)));
  CO_ASSERT_FAILS(told, errc::server_error);
  EXPECT_NE(told.error().detail().find("takes no more connections"), std::string::npos) << told.error().detail();
  co_await first.to.close();
  CO_ASSERT_TRUE(co_await eventually([&] { return second.to.connected(); }));
  co_await second.to.close();
}

// Requests are refused at once while the server is away, and bring its return forward all the same.
CO_TEST_WITHIN(LinkRole, IsBackSoonAfterTheServerWhereSomebodyAsks, seconds(60)) {
  redis_server server;
  link_config config = tcp_of(server);
  config.backoff_max = seconds(60);
  observed_link one(context, config);
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  server.kill();
  const auto down_until = after(seconds(3));
  while (std::chrono::steady_clock::now() < down_until) {
    auto read = of("GET", "k");
    auto refused = co_await one.to.exec(std::move(read), after(seconds(5)), effect::read);
    EXPECT_FALSE(refused);
    co_await aio::wait_until(after(milliseconds(20)));
  }
  server.restart();
  const auto up = std::chrono::steady_clock::now();
  const auto give_up = after(seconds(20));
  while (!one.to.connected() && std::chrono::steady_clock::now() < give_up) {
    auto read = of("GET", "k");
    auto asked = co_await one.to.exec(std::move(read), after(seconds(5)), effect::read);
    static_cast<void>(asked);
    co_await aio::wait_until(after(milliseconds(20)));
  }
  EXPECT_TRUE(one.to.connected());
  EXPECT_LT(std::chrono::steady_clock::now() - up, milliseconds(1500));
  co_await one.to.close();
}

}  // namespace
}  // namespace mcpstate::redis
