// SPDX-License-Identifier: MIT
// One wrong key costs one entry: leases, index entries and values that another program has replaced, in Redis.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "component/store/redis/instances_scene.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using test::me;
using test::name;
using test::time_of_lease;

constexpr unsigned parts = 16;

std::string text_of(const std::string& id) { return "user:" + id + ":s"; }
std::string lease_key(const std::string& id) { return "mcp:user:" + id + ":server:s:lease"; }
std::string part_key(unsigned shard) { return "mcp:managed:" + std::to_string(shard); }
// As the store computes it (FNV-1a).
unsigned part_of(const std::string& member) {
  std::uint32_t hash = 2166136261U;
  for (const char c : member) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash % parts;
}

struct scene : test::instances_scene {
  using instances_scene::instances_scene;
  // A record that is managed, without a lease.
  task<bool> orphan(std::string id) {
    auto taken = co_await lease_for(*a, id);
    if (!taken) co_return taken.error();
    change up(taken->name.owner, taken->name.server, status::connected);
    details info;
    info.managed = true;
    info.registered = "registered";
    up.set_details(std::move(info)).require_lease(*taken);
    auto written = co_await a->put(std::move(up));
    if (!written) co_return written.error();
    const std::optional<std::uint64_t> no_revision;
    auto ended = co_await a->leases().end_lease(*taken, lease_end::hand_over, no_revision);
    if (!ended) co_return ended.error();
    co_return true;
  }
  task<std::int64_t> entries() {
    redis::request r;
    for (unsigned shard = 0; shard < parts; ++shard) r.add("ZCARD", part_key(shard));
    auto got = co_await foreign.exec(std::move(r), aio::after(10s), redis::effect::read);
    if (!got) co_return got.error();
    std::int64_t sum = 0;
    for (const auto& one : *got) sum += one.integer;
    co_return sum;
  }
  task<std::uint64_t> commands_so_far() {
    auto stats = co_await info("stats");
    if (!stats) co_return stats.error();
    co_return test::number_after(*stats, "total_commands_processed:");
  }
};

using RedisWrongKeys = test::instances_fixture<scene>;

// A coroutine with the scene `at`.
#define SCENE_TEST(Fixture, Name) CO_TEST_STARTED(TEST_F, Fixture, Name, (scene & at), with(body))

std::vector<std::string> ids_of(const std::vector<managed_name>& names) {
  std::vector<std::string> out;
  for (const auto& one : names) out.push_back(one.owner.id());
  std::sort(out.begin(), out.end());
  return out;
}

// What another program does to a lease key.
redis::request breaking(const std::string& how, const std::string& key) {
  redis::request r;
  r.add("DEL", key);
  if (how == "set") r.add("SADD", key, "x");
  if (how == "hash") r.add("HSET", key, "a", "b");
  if (how == "list") r.add("RPUSH", key, "x");
  if (how == "junk") r.add("SET", key, "someone's");
  if (how == "number") r.add("SET", key, "99999999999999999999 3 one registered");
  if (how == "huge") r.add("SET", key, std::string(1 << 20, 'x'));
  return r;
}

SCENE_TEST(RedisWrongKeys, LoseOneLeaseOnly) {
  for (const std::string how : {"set", "hash", "list", "junk", "number", "huge"}) {
    SCOPED_TRACE(how);
    std::vector<lease> held;
    for (const char* id : {"1", "2", "3", "4"}) {
      const auto one = co_await at.lease_for(*at.a, id);
      CO_ASSERT_OK(one);
      held.push_back(*one);
    }
    CO_ASSERT_OK(co_await at.says(breaking(how, lease_key("2"))));
    const auto lost = co_await at.a->leases().renew_leases(held, time_of_lease);
    CO_ASSERT_OK(lost);
    CO_ASSERT_EQ(lost->size(), 1u);
    EXPECT_EQ(lost->front().name, name("2"));
    CO_ASSERT_OK(co_await at.asks("DEL", lease_key("2")));
  }
}

SCENE_TEST(RedisWrongKeys, OfferALeaseWithJunkInItAndNoOther) {
  for (const char* id : {"1", "2", "3"}) CO_ASSERT_OK(co_await at.lease_for(*at.a, id));
  CO_ASSERT_OK(co_await at.says(breaking("junk", lease_key("2"))));
  redis::request waits;
  waits.add("ZADD", part_key(part_of(text_of("2"))), "0", text_of("2"));
  CO_ASSERT_OK(co_await at.says(std::move(waits)));
  const auto all = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(all);
  EXPECT_EQ(ids_of(all->unheld), (std::vector<std::string>{"2"}));
  EXPECT_TRUE(all->faults.empty());
  CO_ASSERT_OK(co_await at.lease_for(*at.b, "2", "two"));
}

// The holder is gone, and another program took the end of its lease away.
SCENE_TEST(RedisWrongKeys, EndALeaseThatHasNoEnd) {
  CO_ASSERT_OK(co_await at.lease_for(*at.a, "1"));
  CO_ASSERT_OK(co_await at.asks("PERSIST", lease_key("1")));
  redis::request waits;
  waits.add("ZADD", part_key(part_of(text_of("1"))), "0", text_of("1"));
  CO_ASSERT_OK(co_await at.says(std::move(waits)));
  const auto all = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(all);
  EXPECT_EQ(ids_of(all->unheld), (std::vector<std::string>{"1"}));
  const auto refused = co_await at.b->leases().take_lease(name("1"), "two", "registered", time_of_lease);
  CO_ASSERT_OK(refused);
  EXPECT_FALSE(refused->has_value()) << "its holder may be alive";
  const auto left = co_await at.asks("PTTL", lease_key("1"));
  CO_ASSERT_OK(left);
  EXPECT_GT(left->integer, 0);
  EXPECT_LE(left->integer, std::chrono::milliseconds(time_of_lease).count());
}

SCENE_TEST(RedisWrongKeys, TellOfALeaseKeyOfAWrongTypeAndOfferTheOthers) {
  for (const char* id : {"1", "2", "3"}) CO_ASSERT_OK(co_await at.orphan(id));
  CO_ASSERT_OK(co_await at.says(breaking("hash", lease_key("2"))));
  const auto all = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(all);
  EXPECT_EQ(ids_of(all->unheld), (std::vector<std::string>{"1", "3"}));
  CO_ASSERT_EQ(all->faults.size(), 1u);
  EXPECT_EQ(all->faults.front().code(), errc::wrong_type);
  EXPECT_NE(all->faults.front().detail().find(lease_key("2")), std::string::npos);
  const auto next = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(next);
  EXPECT_TRUE(next->faults.empty()) << "it is not looked at in each beat";
}

SCENE_TEST(RedisWrongKeys, OfferWhatStandsInTheOtherPartsOfTheIndex) {
  std::set<std::string> others;
  for (int i = 0; i < 40; ++i) CO_ASSERT_OK(co_await at.orphan(std::to_string(i)));
  for (int i = 0; i < 40; ++i)
    if (part_of(text_of(std::to_string(i))) != 3) others.insert(std::to_string(i));
  for (const std::string how : {"list", "junk", "hash"}) {
    SCOPED_TRACE(how);
    CO_ASSERT_OK(co_await at.says(breaking(how, part_key(3))));
    const auto all = co_await at.b->leases().beat(me(), time_of_lease);
    CO_ASSERT_OK(all);
    const auto ids = ids_of(all->unheld);
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()), others);
    CO_ASSERT_EQ(all->faults.size(), 1u);
    EXPECT_NE(all->faults.front().detail().find(part_key(3)), std::string::npos);
  }
}

SCENE_TEST(RedisWrongKeys, OfferConnectionsWhenTheInstancesCannotBeRead) {
  CO_ASSERT_OK(co_await at.orphan("1"));
  CO_ASSERT_OK(co_await at.says(breaking("set", "mcp:instances")));
  const auto all = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(all);
  EXPECT_EQ(ids_of(all->unheld), (std::vector<std::string>{"1"}));
  CO_ASSERT_EQ(all->instances.size(), 1u);
  EXPECT_EQ(all->instances.front().name, "one");
  EXPECT_EQ(all->faults.size(), 1u);
}

// Members in front of all others, in parts that are not theirs.
task<bool> misplace(scene& at, int count) {
  redis::request junk;
  for (int i = 0; i < count; ++i) {
    const auto member = "user:junk" + std::to_string(i) + ":m0";
    junk.add("ZADD", part_key((part_of(member) + 1) % parts), "-1", member);
  }
  auto said = co_await at.foreign.exec(std::move(junk), aio::after(20s), redis::effect::write);
  if (!said) co_return said.error();
  co_return true;
}

SCENE_TEST(RedisWrongKeys, OfferThirtyConnectionsBehind1600MisplacedEntriesAtOnce) {
  for (int i = 0; i < 30; ++i) CO_ASSERT_OK(co_await at.orphan(std::to_string(i)));
  CO_ASSERT_OK(co_await misplace(at, 1600));
  const auto before = co_await at.commands_so_far();
  CO_ASSERT_OK(before);
  const auto all = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(all);
  const auto after = co_await at.commands_so_far();
  CO_ASSERT_OK(after);
  EXPECT_EQ(all->unheld.size(), 30u);
  EXPECT_LT(*after - *before, 4 * 1630 + 400) << "each entry is looked at once";
  const auto left = co_await at.entries();
  CO_ASSERT_OK(left);
  EXPECT_EQ(*left, 30) << "the wrong ones are gone";
  CO_ASSERT_OK(co_await at.b->leases().beat(me(), time_of_lease));
  const auto again = co_await at.commands_so_far();
  CO_ASSERT_OK(again);
  EXPECT_LT(*again - *after, 300) << "and cost nothing any more";
}

SCENE_TEST(RedisWrongKeys, ReadPastStaleEntriesWithBoundedWork) {
  redis::request stale;
  for (int i = 0; i < 9000; ++i) {
    const auto member = text_of("gone" + std::to_string(i));
    stale.add("ZADD", part_key(part_of(member)), "-1", member);
  }
  auto said = co_await at.foreign.exec(std::move(stale), aio::after(20s), redis::effect::write);
  CO_ASSERT_OK(said);
  CO_ASSERT_OK(co_await at.orphan("1"));
  bool found = false;
  int beats = 0;
  for (; beats < 4 && !found; ++beats) {
    const auto before = co_await at.commands_so_far();
    CO_ASSERT_OK(before);
    const auto all = co_await at.b->leases().beat(me(), time_of_lease);
    CO_ASSERT_OK(all);
    const auto after = co_await at.commands_so_far();
    CO_ASSERT_OK(after);
    EXPECT_LT(*after - *before, 5 * 8192);
    const auto ids = ids_of(all->unheld);
    found = std::find(ids.begin(), ids.end(), "1") != ids.end();
  }
  EXPECT_TRUE(found) << "not within " << beats << " beats";
}

// Connections that nobody can take stay in front of the index. Those behind them have their turn.
SCENE_TEST(RedisWrongKeys, GoPastEntriesThatWereTriedBefore) {
  std::string last;
  int in_part = 0;
  for (int i = 0; in_part < 40; ++i) {
    const auto id = "t" + std::to_string(i);
    if (part_of(text_of(id)) != 5) continue;
    CO_ASSERT_OK(co_await at.orphan(id));
    ++in_part;
  }
  std::set<std::string> offered;
  for (int beats = 0; beats < 3; ++beats) {
    const auto all = co_await at.b->leases().beat(me(), time_of_lease);
    CO_ASSERT_OK(all);
    for (const auto& id : ids_of(all->unheld)) offered.insert(id);
  }
  EXPECT_EQ(offered.size(), 40u);
  const auto again = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(again);
  EXPECT_FALSE(again->unheld.empty()) << "and then the first ones again";
}

// More than are offered at a time, in all parts, and nobody takes any of them.
SCENE_TEST(RedisWrongKeys, OfferEachConnectionInItsTurn) {
  std::set<std::string> there, offered;
  std::array<int, parts> in_part{};
  for (int i = 0; there.size() < 24 * (parts - 1) + 5; ++i) {
    const auto id = "t" + std::to_string(i);
    auto& number = in_part[part_of(text_of(id))];
    if (number == (part_of(text_of(id)) == 5 ? 5 : 24)) continue;
    CO_ASSERT_OK(co_await at.orphan(id));
    there.insert(id);
    ++number;
  }
  for (int beats = 0; beats < 6; ++beats) {
    const auto all = co_await at.b->leases().beat(me(), time_of_lease);
    CO_ASSERT_OK(all);
    for (const auto& id : ids_of(all->unheld)) offered.insert(id);
  }
  EXPECT_EQ(offered, there);
}

// One wrong key of the user is no reason to say that a claim of other connections has failed.
SCENE_TEST(RedisWrongKeys, LetAClaimSayWhatItHasMoved) {
  CO_ASSERT_OK(co_await at.orphan("1"));
  auto broken = breaking("list", lease_key("1"));
  CO_ASSERT_OK(co_await at.says(std::move(broken)));
  const auto session = owner::session("k").value();
  change other(session, server_name::parse("other").value(), status::connected);
  CO_ASSERT_OK(co_await at.a->put(std::move(other)));
  const auto claimed = co_await at.a->claim(session, owner::user("1").value());
  CO_ASSERT_OK(claimed);
  EXPECT_EQ(claimed->moved, std::vector<std::string>{"other"});
  const auto again = co_await at.a->claim(session, owner::user("1").value());
  CO_ASSERT_OK(again);
  EXPECT_TRUE(again->moved.empty());
}

SCENE_TEST(RedisWrongKeys, RemoveIndexEntriesThatNameNoConnection) {
  CO_ASSERT_OK(co_await at.orphan("1"));
  redis::request junk;
  const char* entries[] = {"",          "user",       "user:",      "user::s",     "user:1:a:b",
                           "owner:1:s", "user:%31:s", "user:1:%zz", "\xff\xfe:1:s"};
  for (const char* member : entries) junk.add("ZADD", part_key(7), "0", member);
  junk.add("ZADD", part_key(7), "+inf", "user:1:nothing:at:all");
  CO_ASSERT_OK(co_await at.says(std::move(junk)));
  const auto all = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(all);
  EXPECT_EQ(ids_of(all->unheld), (std::vector<std::string>{"1"}));
  const auto left = co_await at.entries();
  CO_ASSERT_OK(left);
  EXPECT_EQ(*left, 1);
}

SCENE_TEST(RedisWrongKeys, MoveAConnectionThatStandsInAWrongPart) {
  for (const char* id : {"1", "2", "3"}) CO_ASSERT_OK(co_await at.orphan(id));
  const auto right = part_of(text_of("1")), wrong = (right + 3) % parts;
  redis::request move;
  move.add("ZREM", part_key(right), text_of("1")).add("ZADD", part_key(wrong), "0", text_of("1"));
  move.add("ZADD", part_key(part_of(text_of("3"))), "1e300", text_of("3"));
  CO_ASSERT_OK(co_await at.says(std::move(move)));
  const auto all = co_await at.b->leases().beat(me(), time_of_lease);
  CO_ASSERT_OK(all);
  EXPECT_EQ(ids_of(all->unheld), (std::vector<std::string>{"1", "2", "3"}));
  redis::request ask;
  ask.add("ZSCORE", part_key(right), text_of("1"));
  const auto score = co_await at.says(std::move(ask));
  CO_ASSERT_OK(score);
  EXPECT_FALSE(score->is_null());
  const auto left = co_await at.entries();
  CO_ASSERT_OK(left);
  EXPECT_EQ(*left, 3);
}

SCENE_TEST(RedisWrongKeys, CleanTheIndexOfARegisteredServer) {
  for (const char* id : {"1", "2"}) CO_ASSERT_OK(co_await at.orphan(id));
  redis::request junk;
  const std::string base = "mcp:server:registered:owners:";
  for (int i = 0; i < 300; ++i) junk.add("SADD", base + "2", "user:gone" + std::to_string(i) + ":s");
  junk.add("SADD", base + std::to_string((part_of(text_of("1")) + 1) % parts), text_of("1"));
  junk.add("SREM", base + std::to_string(part_of(text_of("1"))), text_of("1"));
  junk.add("SADD", base + "4", "no connection");
  auto said = co_await at.foreign.exec(std::move(junk), aio::after(20s), redis::effect::write);
  CO_ASSERT_OK(said);
  std::set<std::string> found;
  std::string cursor;
  do {
    const auto page = co_await at.b->leases().managed_of("registered", cursor);
    CO_ASSERT_OK(page);
    for (const auto& id : ids_of(page->names)) found.insert(id);
    cursor = page->cursor;
  } while (!cursor.empty());
  EXPECT_EQ(found, (std::set<std::string>{"1", "2"}));
  redis::request count;
  for (unsigned shard = 0; shard < parts; ++shard) count.add("SCARD", base + std::to_string(shard));
  const auto left = co_await at.foreign.exec(std::move(count), aio::after(10s), redis::effect::read);
  CO_ASSERT_OK(left);
  std::int64_t sum = 0;
  for (const auto& one : *left) sum += one.integer;
  EXPECT_EQ(sum, 2);
}

}  // namespace
}  // namespace mcpstate
