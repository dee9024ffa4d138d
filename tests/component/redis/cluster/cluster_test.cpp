// SPDX-License-Identifier: MIT
// The cluster router against a real cluster: three primaries and three replicas, which are killed and resharded.
#include <optional>
#include <set>

#include "component/redis/link_fixture.hh"
#include "redis/cluster/cluster_router.hh"
#include "support/redis_cluster.hh"

namespace mcpstate::redis {
namespace {

using test::redis_cluster;

// Made before the executor runs: it takes seconds.
struct Cluster : testing::Test {
  redis_cluster cluster;
};
struct ClusterOfPrimaries : testing::Test {
  redis_cluster cluster{3, 0};
};

cluster_config config_of(const std::vector<std::uint16_t>& ports) {
  cluster_config out;
  for (const std::uint16_t port : ports) out.seeds.emplace_back("127.0.0.1", port);
  return out;
}

std::string key_of(int number) { return "key:{" + std::to_string(number) + "}"; }

asio::awaitable<std::string> ask_text(executor& to, std::string key, request what, effect kind, aio::deadline until) {
  auto got = co_await to.exec(route::to_key(std::move(key)), std::move(what), until, kind);
  if (!got) co_return "failed: " + std::string(name_of(got.error().code()));
  co_return got->front().is_error() ? "error: " + got->front().text : got->front().text;
}
asio::awaitable<std::string> set_key(executor& to, std::string key, std::string value, milliseconds within = seconds(5)) {
  request what;
  what.add("SET", key, value);
  co_return co_await ask_text(to, std::move(key), std::move(what), effect::write, after(within));
}
asio::awaitable<std::string> get_key(executor& to, std::string key, milliseconds within = seconds(5)) {
  request what;
  what.add("GET", key);
  co_return co_await ask_text(to, std::move(key), std::move(what), effect::read, after(within));
}

asio::awaitable<void> serves_all(executor& to) {
  std::set<std::uint16_t> slots;
  for (int i = 0; i < 60; ++i) {
    const std::string written = co_await set_key(to, key_of(i), std::to_string(i));
    EXPECT_EQ(written, "OK");
    const std::string read = co_await get_key(to, key_of(i));
    EXPECT_EQ(read, std::to_string(i));
    slots.insert(slot_of(key_of(i)));
  }
  EXPECT_GT(slots.size(), 50u);
}

CO_TEST_F_WITHIN(Cluster, ServesEverySlotThroughAnyNode, seconds(90)) {
  redis_cluster& cluster = fixture.cluster;
  const std::uint16_t nobody = test::free_port();
  for (std::size_t seed = 0; seed < cluster.size(); seed += 2) {  // a primary, another, and a replica
    auto to = make_cluster_router(context.get_executor(), config_of({nobody, cluster.server(seed).port()}));
    to->start();
    CO_ASSERT_OK(co_await to->ready(after(seconds(10))));
    EXPECT_EQ(to->hello().mode, "cluster");
    co_await serves_all(*to);
    co_await to->close();
    const std::string late = co_await get_key(*to, key_of(1));
    EXPECT_EQ(late, "failed: stopped");
  }
}

CO_TEST(ClusterRouter, NeverTakesASingleServerForACluster) {
  redis_server single;
  auto to = make_cluster_router(context.get_executor(), config_of({single.port()}));
  to->start();
  CO_ASSERT_FAILS(co_await to->ready(after(seconds(10))), errc::unsupported);
  const std::string told = co_await get_key(*to, key_of(1));
  EXPECT_EQ(told, "failed: unsupported");
  co_await to->close();
}

CO_TEST(ClusterRouter, FailsAtOnceWhenNobodyIsThere) {
  auto to = make_cluster_router(context.get_executor(), config_of({test::free_port(), test::free_port()}));
  to->start();
  CO_ASSERT_FAILS(co_await to->ready(after(seconds(10))), errc::connect_failed);
  const std::string told = co_await set_key(*to, key_of(1), "x");
  EXPECT_EQ(told, "failed: connect_failed");
  co_await to->close();
}

// Runs a coroutine beside the test, and keeps what it answers.
using answer_text = std::shared_ptr<std::optional<std::string>>;
asio::awaitable<void> keep(asio::awaitable<std::string> work, answer_text into) { *into = co_await std::move(work); }
answer_text beside(asio::io_context& context, asio::awaitable<std::string> work) {
  auto out = std::make_shared<std::optional<std::string>>();
  auto note = [](std::exception_ptr failure) { EXPECT_FALSE(failure); };
  asio::co_spawn(context, keep(std::move(work), out), std::move(note));
  return out;
}

// The first number whose key one of the first primaries has.
int number_at(const redis_cluster& cluster, std::size_t primary) {
  int out = 0;
  while (cluster.first_owner(slot_of(key_of(out))) != primary) ++out;
  return out;
}

// Writes until the answer is known.
asio::awaitable<std::string> write_for_sure(executor& to, std::string key) {
  for (;;) {
    std::string said = co_await set_key(to, key, "after", seconds(30));
    if (said != "failed: outcome_unknown") co_return said;
  }
}

CO_TEST_F_WITHIN(Cluster, FollowsAFailoverAndServesOtherSlotsMeanwhile, seconds(120)) {
  redis_cluster& cluster = fixture.cluster;
  auto to = make_cluster_router(context.get_executor(), config_of({cluster.server(0).port()}));
  to->start();
  CO_ASSERT_OK(co_await to->ready(after(seconds(10))));
  co_await serves_all(*to);
  const std::string dead = key_of(number_at(cluster, 1)), other = key_of(number_at(cluster, 0));
  cluster.server(1).kill();
  const answer_text late = beside(context, write_for_sure(*to, dead));
  const std::string meanwhile = co_await set_key(*to, other, "meanwhile", milliseconds(1000));
  EXPECT_EQ(meanwhile, "OK");
  EXPECT_FALSE(*late);
  const bool followed = co_await test::eventually([&] { return late->has_value(); }, seconds(40));
  CO_ASSERT_TRUE(followed);
  EXPECT_EQ(**late, "OK");
  const std::string read = co_await get_key(*to, dead);
  EXPECT_EQ(read, "after");
  co_await to->close();
}

CO_TEST_F_WITHIN(ClusterOfPrimaries, TellsWritesOfAKilledPrimaryAsUnknownAndNeverAsDone, seconds(120)) {
  redis_cluster& cluster = fixture.cluster;
  auto to = make_cluster_router(context.get_executor(), config_of({cluster.server(0).port()}));
  to->start();
  CO_ASSERT_OK(co_await to->ready(after(seconds(10))));
  const std::string key = key_of(number_at(cluster, 1));
  const std::string before = co_await set_key(*to, key, "before");
  EXPECT_EQ(before, "OK");
  cluster.server(1).freeze();
  const answer_text write = beside(context, set_key(*to, key, "lost"));
  const answer_text read = beside(context, get_key(*to, key, milliseconds(1500)));
  co_await turn(context);
  cluster.server(1).kill();
  const bool ended = co_await test::eventually([&] { return write->has_value() && read->has_value(); });
  CO_ASSERT_TRUE(ended);
  EXPECT_EQ(**write, "failed: outcome_unknown");
  EXPECT_NE((*read)->find("failed: "), std::string::npos);  // sent again once, and nobody came
  co_await to->close();
}

CO_TEST_F_WITHIN(ClusterOfPrimaries, FollowsASlotThatIsMovedKeyByKey, seconds(90)) {
  redis_cluster& cluster = fixture.cluster;
  auto to = make_cluster_router(context.get_executor(), config_of({cluster.server(2).port()}));
  to->start();
  CO_ASSERT_OK(co_await to->ready(after(seconds(10))));
  const std::string tag = key_of(number_at(cluster, 0)), old_key = tag + "old", new_key = tag + "new";
  const std::string slot = std::to_string(slot_of(tag)), target_port = std::to_string(cluster.server(1).port());
  const std::string first = co_await set_key(*to, old_key, "1");
  EXPECT_EQ(first, "OK");
  EXPECT_EQ(cluster.ask(1, {"CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id(0)}).text, "OK");
  EXPECT_EQ(cluster.ask(0, {"CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id(1)}).text, "OK");
  const std::string still = co_await get_key(*to, old_key);
  EXPECT_EQ(still, "1");
  const std::string made = co_await set_key(*to, new_key, "2");  // ASK
  EXPECT_EQ(made, "OK");
  EXPECT_EQ(cluster.ask(0, {"EXISTS", new_key}).text.substr(0, 4), "ASK ");
  request both;
  both.add("MGET", old_key, new_key);
  const answer_text half = beside(context, ask_text(*to, tag, std::move(both), effect::read, after(seconds(10))));
  co_await turn(context);
  EXPECT_EQ(cluster.ask(0, {"MIGRATE", "127.0.0.1", target_port, old_key, "0", "5000"}).text, "OK");
  const bool whole = co_await test::eventually([&] { return half->has_value(); });
  CO_ASSERT_TRUE(whole);
  EXPECT_EQ(**half, "");  // an array
  for (const std::size_t each : {1u, 0u})
    EXPECT_EQ(cluster.ask(each, {"CLUSTER", "SETSLOT", slot, "NODE", cluster.id(1)}).text, "OK");
  const std::string moved = co_await set_key(*to, old_key, "3");  // MOVED
  EXPECT_EQ(moved, "OK");
  EXPECT_EQ(cluster.ask(1, {"GET", old_key}).text, "3");
  co_await to->close();
}

CO_TEST_F_WITHIN(ClusterOfPrimaries, HandsOutThePushesOfEveryPrimary, seconds(90)) {
  redis_cluster& cluster = fixture.cluster;
  cluster_config config = config_of({cluster.server(0).port()});
  config.link.tracking_prefixes = {"key:"};
  auto to = make_cluster_router(context.get_executor(), std::move(config));
  std::set<std::string> pushed, ready;
  to->on_push([&](const node& from, const reply&) { pushed.insert(from.address); });
  to->on_state([&](const node& of, bool up) { up ? void(ready.insert(of.address)) : void(ready.erase(of.address)); });
  to->start();
  const bool connected = co_await test::eventually([&] { return ready.size() == 3; });
  CO_ASSERT_TRUE(connected);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(cluster.ask(i, {"SET", key_of(number_at(cluster, i)), "x"}).text, "OK");
  const bool told = co_await test::eventually([&] { return pushed.size() == 3; });
  EXPECT_TRUE(told);
  EXPECT_EQ(pushed, ready);
  cluster.server(1).kill();
  const bool lost = co_await test::eventually([&] { return ready.size() == 2; });
  EXPECT_TRUE(lost);
  co_await to->close();
}

CO_TEST_F_WITHIN(ClusterOfPrimaries, EndsWhatWaitsWhenItIsClosed, seconds(60)) {
  redis_cluster& cluster = fixture.cluster;
  auto to = make_cluster_router(context.get_executor(), config_of({cluster.server(0).port()}));
  to->start();
  CO_ASSERT_OK(co_await to->ready(after(seconds(10))));
  const std::string key = key_of(number_at(cluster, 1));
  const std::string first = co_await set_key(*to, key, "first");
  EXPECT_EQ(first, "OK");
  cluster.server(1).freeze();
  const answer_text write = beside(context, set_key(*to, key, "x")), read = beside(context, get_key(*to, key));
  co_await turn(context);
  co_await to->close();
  co_await turn(context);
  CO_ASSERT_TRUE(write->has_value() && read->has_value());
  EXPECT_EQ(**write, "failed: outcome_unknown");
  EXPECT_EQ(**read, "failed: stopped");
}

}  // namespace
}  // namespace mcpstate::redis
