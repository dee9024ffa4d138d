// SPDX-License-Identifier: MIT
// Leases in Redis: what they cost, what heals, and what stands in the way. What they mean is in tests/contract.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "component/store/redis/instances_scene.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using test::me;
using test::name;
using test::number_after;
using test::redis_options;
using test::redis_server;
using test::time_of_lease;

constexpr auto patience = std::chrono::seconds(10);
constexpr const char* lease_key = "mcp:user:1:server:s:lease";

using scene = test::instances_scene;
using RedisLeases = test::instances_fixture<scene>;

asio::awaitable<void> reset_stats(scene& at) {
  redis::request r;
  r.add("CONFIG", "RESETSTAT");
  CO_ASSERT_OK(co_await at.says(std::move(r)));
}

std::uint64_t found(const std::vector<finding>& all, std::string_view check, finding::level how) {
  std::uint64_t n = 0;
  for (const auto& f : all) n += f.check == check && f.severity == how ? f.count : 0;
  return n;
}

// A coroutine with the scene `at`.
#define SCENE_TEST(Fixture, Name) CO_TEST_STARTED(TEST_F, Fixture, Name, (scene & at), with(body))

// A number from a clock that was ahead, and has been set back since: as it stands when that lease is taken up again.
SCENE_TEST(RedisLeases, NeverRepeatANumberWhenTheClockIsSetBack) {
  constexpr std::uint64_t ahead = 8'000'000'000'000'000;  // the year 2223
  redis::request set;
  set.add("SET", lease_key, std::to_string(ahead) + " 3 one registered", "PX", "60000");
  CO_ASSERT_OK(co_await at.says(std::move(set)));
  auto mine = co_await at.lease_for(*at.a, "1");
  CO_ASSERT_OK(mine);
  EXPECT_EQ(mine->number, ahead);
  for (const auto how : {lease_end::over, lease_end::hand_over}) {
    const lease last = *mine;
    CO_ASSERT_OK(co_await at.a->leases().end_lease(last, how));
    mine = co_await at.lease_for(*at.a, "1");
    CO_ASSERT_OK(mine);
    EXPECT_GT(mine->number, last.number);
    change late(last.name.owner, last.name.server, status::connected);
    late.require_lease(last);
    const auto refused = co_await at.a->put(std::move(late));
    CO_ASSERT_FAILS(refused, errc::lease_lost);
  }
}

SCENE_TEST(RedisLeases, RenewFiveHundredInOneFlush) {
  std::vector<lease> held;
  for (int i = 0; i < 500; ++i) {
    const auto one = co_await at.lease_for(*at.a, std::to_string(i));
    CO_ASSERT_OK(one);
    held.push_back(*one);
  }
  co_await reset_stats(at);
  const auto lost = co_await at.a->leases().renew_leases(std::move(held), time_of_lease);
  CO_ASSERT_OK(lost);
  EXPECT_TRUE(lost->empty());
  const auto stats = co_await at.info("stats");
  CO_ASSERT_OK(stats);
  // 500 leases and at most 16 parts of an index, in a few full buffers and not in one read each.
  EXPECT_LE(number_after(*stats, "total_reads_processed:"), 60u);
  const auto commands = co_await at.info("commandstats");
  CO_ASSERT_OK(commands);
  const auto scripts = number_after(*commands, "cmdstat_evalsha:calls=");
  EXPECT_GE(scripts, 500u);
  EXPECT_LE(scripts, 516u);
  EXPECT_EQ(number_after(*commands, "cmdstat_eval:calls="), 0u);
  EXPECT_EQ(number_after(*commands, "cmdstat_zadd:calls="), scripts - 500);
}

SCENE_TEST(RedisLeases, AreReadOnlyByAPutUnderALease) {
  const auto mine = co_await at.lease_for(*at.a, "1");
  CO_ASSERT_OK(mine);
  for (const bool under : {false, true}) {
    co_await reset_stats(at);
    change up(mine->name.owner, mine->name.server, status::connected);
    if (under) up.require_lease(*mine);
    CO_ASSERT_OK(co_await at.a->put(std::move(up)));
    const auto commands = co_await at.info("commandstats");
    CO_ASSERT_OK(commands);
    EXPECT_EQ(number_after(*commands, "cmdstat_get:calls="), under ? 1u : 0u);
    EXPECT_EQ(number_after(*commands, "cmdstat_evalsha:calls="), 1u);
  }
}

SCENE_TEST(RedisLeases, GiveEveryKeyATtl) {
  const auto mine = co_await at.lease_for(*at.a, "1");
  CO_ASSERT_OK(mine);
  CO_ASSERT_OK(co_await at.a->leases().beat(me(), time_of_lease));
  const auto keys = co_await at.asks("KEYS", "mcp:*");
  CO_ASSERT_OK(keys);
  std::vector<std::string> kinds;
  for (const auto& key : keys->items) {
    const auto left = co_await at.asks("TTL", key.text);
    CO_ASSERT_OK(left);
    const bool is_lease = key.text == lease_key;
    if (is_lease) {
      EXPECT_TRUE(left->integer > 50 && left->integer <= 60) << left->integer;
    } else {
      EXPECT_GE(left->integer, 86399) << key.text;
    }
    kinds.push_back(is_lease ? "lease" : key.text.substr(0, key.text.find_last_of(':')));
  }
  std::sort(kinds.begin(), kinds.end());
  EXPECT_EQ(kinds, (std::vector<std::string>{"lease", "mcp", "mcp:managed", "mcp:server:registered:owners"}));
}

// The index is lost, or behind: renewals and beats put it right, and nobody is sent to what is held.
SCENE_TEST(RedisLeases, HealTheIndexOfManagedConnections) {
  std::vector<lease> held;
  redis::request destroy;
  for (int i = 0; i < 40; ++i) {
    const auto one = co_await at.lease_for(*at.a, std::to_string(i));
    CO_ASSERT_OK(one);
    held.push_back(*one);
  }
  for (int shard = 0; shard < 16; ++shard) destroy.add("DEL", "mcp:managed:" + std::to_string(shard));
  CO_ASSERT_OK(co_await at.says(std::move(destroy)));
  const auto blind = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(blind);
  EXPECT_EQ(blind->managed, 0u);
  CO_ASSERT_OK(co_await at.a->leases().renew_leases(held, time_of_lease));
  const auto healed = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(healed);
  EXPECT_EQ(healed->managed, 40u);
  EXPECT_TRUE(healed->unheld.empty());

  for (int shard = 0; shard < 16; ++shard) {
    const auto key = "mcp:managed:" + std::to_string(shard);
    redis::request members;
    members.add("ZRANGE", key, "0", "-1");
    const auto of_it = co_await at.says(std::move(members));
    CO_ASSERT_OK(of_it);
    redis::request age;
    for (const auto& member : of_it->items) age.add("ZADD", key, "0", member.text);
    if (!of_it->items.empty()) CO_ASSERT_OK(co_await at.says(std::move(age)));
  }
  const auto told = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(told);
  EXPECT_TRUE(told->unheld.empty()) << "their leases run";
  redis::request behind;
  for (int shard = 0; shard < 16; ++shard) behind.add("ZCOUNT", "mcp:managed:" + std::to_string(shard), "0", "0");
  auto left = co_await at.foreign.exec(std::move(behind), aio::after(patience), redis::effect::read);
  CO_ASSERT_OK(left);
  for (const auto& count : *left) EXPECT_EQ(count.integer, 0) << "put right";
}

SCENE_TEST(RedisLeases, ReportAWrongTypeAndWriteNothing) {
  redis::request r;
  r.add("LPUSH", lease_key, "theirs");
  CO_ASSERT_OK(co_await at.says(std::move(r)));
  const auto no = co_await at.a->leases().take_lease(name("1"), "one", "registered", time_of_lease);
  CO_ASSERT_FAILS(no, errc::wrong_type);
  EXPECT_NE(no.error().detail().find(lease_key), std::string::npos) << no.error().detail();
  const lease imagined(name("1"), "one", 7);
  change up(imagined.name.owner, imagined.name.server, status::connected);
  up.require_lease(imagined);
  const auto refused = co_await at.a->put(std::move(up));
  CO_ASSERT_FAILS(refused, errc::wrong_type);
  EXPECT_NE(refused.error().detail().find(lease_key), std::string::npos) << refused.error().detail();
  const auto status_key = co_await at.asks("EXISTS", "mcp:user:1:server:s:status");
  CO_ASSERT_OK(status_key);
  EXPECT_EQ(status_key->integer, 0);
  CO_ASSERT_OK(co_await at.asks("DEL", lease_key));

  redis::request all;
  for (int shard = 0; shard < 16; ++shard) all.add("SET", "mcp:managed:" + std::to_string(shard), "theirs");
  all.add("SET", "mcp:instances", "theirs");
  CO_ASSERT_OK(co_await at.says(std::move(all)));
  const auto no_index = co_await at.a->leases().take_lease(name("1"), "one", "registered", time_of_lease);
  CO_ASSERT_FAILS(no_index, errc::wrong_type);
  EXPECT_NE(no_index.error().detail().find("mcp:managed:"), std::string::npos) << no_index.error().detail();
  const auto none = co_await at.b->leases().lease_of(name("1"));
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->has_value()) << "what no index can be told of is not taken";
  const auto blind = co_await at.a->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(blind);
  EXPECT_EQ(blind->faults.size(), 17u) << "each is told of";
  EXPECT_TRUE(blind->unheld.empty());
  const auto findings = co_await at.a->examine(false, nullptr);
  CO_ASSERT_OK(findings);
  EXPECT_EQ(found(*findings, "wrong_type", finding::level::problem), 17u);
}

SCENE_TEST(RedisLeases, IgnoreForeignValuesInALeaseKey) {
  redis::request r;
  r.add("SET", lease_key, "reserved");
  CO_ASSERT_OK(co_await at.says(std::move(r)));
  const auto none = co_await at.a->leases().lease_of(name("1"));
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->has_value());
  CO_ASSERT_OK(co_await at.lease_for(*at.a, "1"));
}

SCENE_TEST(RedisLeases, GetTheirExpiryFromTheDoctor) {
  const auto mine = co_await at.lease_for(*at.a, "1");
  CO_ASSERT_OK(mine);
  CO_ASSERT_OK(co_await at.a->leases().beat(me(), time_of_lease));
  const auto keys = co_await at.asks("KEYS", "mcp:*");
  CO_ASSERT_OK(keys);
  CO_ASSERT_TRUE(keys->items.size() == 4);
  for (const auto& key : keys->items) CO_ASSERT_OK(co_await at.asks("PERSIST", key.text));
  const auto before = co_await at.b->examine(false, nullptr);
  CO_ASSERT_OK(before);
  EXPECT_EQ(found(*before, "no_expiry", finding::level::problem), 4u);
  EXPECT_EQ(found(*before, "unknown_keys", finding::level::note), 0u);
  const auto fixed = co_await at.b->examine(true, nullptr);
  CO_ASSERT_OK(fixed);
  EXPECT_EQ(found(*fixed, "no_expiry", finding::level::repaired), 4u);
  for (const auto& key : keys->items) {
    const auto left = co_await at.asks("TTL", key.text);
    CO_ASSERT_OK(left);
    EXPECT_GT(left->integer, 0) << key.text;
  }
}

SCENE_TEST(RedisLeases, RemoveAnErasedOwnerFromTheIndex) {
  const auto mine = co_await at.lease_for(*at.a, "1");
  CO_ASSERT_OK(mine);
  change up(mine->name.owner, mine->name.server, status::connected);
  up.require_lease(*mine);
  CO_ASSERT_OK(co_await at.a->put(std::move(up)));
  const auto count = co_await at.b->erase(mine->name.owner);
  CO_ASSERT_OK(count);
  EXPECT_EQ(*count, 1u);
  const auto after = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(after);
  EXPECT_EQ(after->managed, 0u);
}

// The rights that docs/redis.md lists, and no others.
CO_TEST(RedisAcl, SufficesAsDocumented) {
  redis_options options;
  options.acl = {
      "narrow on >wonder ~mcp:* resetchannels +ping +select +client|setname +client|tracking +time +info +acl|whoami "
      "+script|load +eval +evalsha +multi +exec +scan +get +mget +getrange +strlen +set +setrange +rename +del +unlink "
      "+exists +type +pttl +pexpireat +pexpiretime +sadd +srem +sismember +smembers +sdiff +sunion "
      "+sscan +zadd +zrem +zcard +zrange +hset +hdel +hgetall"};
  const redis_server server(options);
  scene at(context, server);
  at.url = "redis://narrow:wonder@127.0.0.1:" + std::to_string(server.port()) + "/0";
  CO_ASSERT_OK(co_await at.open_both());
  const auto mine = co_await at.lease_for(*at.a, "1");
  CO_ASSERT_OK(mine);
  change up(mine->name.owner, mine->name.server, status::connected);
  up.require_lease(*mine).keep_expiry();
  CO_ASSERT_OK(co_await at.a->put(std::move(up)));
  std::vector<lease> held{*mine};
  CO_ASSERT_OK(co_await at.a->leases().renew_leases(std::move(held), time_of_lease));
  const std::string start;
  const auto page = co_await at.b->leases().managed_of("registered", start);
  CO_ASSERT_OK(page);
  EXPECT_EQ(page->names, std::vector<managed_name>{mine->name});
  CO_ASSERT_OK(co_await at.a->leases().end_lease(*mine, lease_end::hand_over));
  const auto waiting = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(waiting);
  EXPECT_EQ(waiting->unheld, std::vector<managed_name>{mine->name});
  const auto again = co_await at.lease_for(*at.b, "1");
  CO_ASSERT_OK(again);
  CO_ASSERT_OK(co_await at.b->leases().end_lease(*again, lease_end::over));
  CO_ASSERT_OK(co_await at.b->leases().beat(me(), std::chrono::milliseconds(0)));
  CO_ASSERT_OK(co_await at.b->erase(mine->name.owner));
  co_await at.close();
}

SCENE_TEST(RedisLeases, SurviveFlushedScripts) {
  std::vector<lease> held;
  for (int i = 0; i < 20; ++i) {
    if (i % 10 == 0) {
      redis::request flush;
      flush.add("SCRIPT", "FLUSH");
      CO_ASSERT_OK(co_await at.says(std::move(flush)));
    }
    const auto one = co_await at.lease_for(*at.a, std::to_string(i));
    CO_ASSERT_OK(one);
    held.push_back(*one);
  }
  redis::request flush;
  flush.add("SCRIPT", "FLUSH");
  CO_ASSERT_OK(co_await at.says(std::move(flush)));
  const auto lost = co_await at.a->leases().renew_leases(std::move(held), time_of_lease);
  CO_ASSERT_OK(lost);
  EXPECT_TRUE(lost->empty());
  const auto all = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->managed, 20u);
}

}  // namespace
}  // namespace mcpstate
