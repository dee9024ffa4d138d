// SPDX-License-Identifier: MIT
// Leases on a server that is full, and what they cost one that is idle.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "component/store/redis/instances_scene.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using test::me;
using test::name;
using test::number_after;
using test::time_of_lease;

using scene = test::instances_scene;
using RedisLeasesAtWork = test::instances_fixture<scene>;

// A coroutine with the scene `at`.
#define SCENE_TEST(Fixture, Name) CO_TEST_STARTED(TEST_F, Fixture, Name, (scene & at), with(body))

asio::awaitable<void> set_max_memory(scene& at, std::string bytes) {
  redis::request r;
  r.add("CONFIG", "SET", "maxmemory", bytes);
  CO_ASSERT_OK(co_await at.says(std::move(r)));
}

// What is managed stays so, and can be let go, where nothing new can be stored.
SCENE_TEST(RedisLeasesAtWork, AreTakenRenewedAndEndedOnAFullServer) {
  const auto mine = co_await at.lease_for(*at.a, "1");
  CO_ASSERT_OK(mine);
  change up(mine->name.owner, mine->name.server, status::connected);
  up.require_lease(*mine);
  CO_ASSERT_OK(co_await at.a->put(std::move(up)));
  const std::string full = "1mb", no_limit = "0";
  co_await set_max_memory(at, full);
  change more(owner::user("2").value(), mine->name.server, status::connected);
  CO_ASSERT_FAILS(co_await at.a->put(std::move(more)), errc::out_of_memory);
  EXPECT_EQ(at.a->refused_writes(), std::optional(errc::out_of_memory));
  const std::vector<lease> both{*mine};
  const auto lost = co_await at.a->leases().renew_leases(both, time_of_lease);
  CO_ASSERT_OK(lost);
  EXPECT_TRUE(lost->empty());
  CO_ASSERT_OK(co_await at.a->leases().beat(me(), time_of_lease));
  change down(mine->name.owner, mine->name.server, status::disconnected);
  down.require_lease(*mine);
  CO_ASSERT_OK(co_await at.a->put(std::move(down)));
  EXPECT_EQ(at.a->refused_writes(), std::optional(errc::out_of_memory)) << "what frees room proves nothing";
  CO_ASSERT_OK(co_await at.a->leases().end_lease(*mine, lease_end::hand_over));
  const auto again = co_await at.lease_for(*at.b, "1");
  CO_ASSERT_OK(again);
  CO_ASSERT_OK(co_await at.b->leases().end_lease(*again, lease_end::over));
  CO_ASSERT_OK(co_await at.a->erase(mine->name.owner));
  co_await set_max_memory(at, no_limit);
  change later(owner::user("2").value(), mine->name.server, status::connected);
  CO_ASSERT_OK(co_await at.a->put(std::move(later)));
  EXPECT_EQ(at.a->refused_writes(), std::nullopt);
}

// A beat every half a second would keep the replication and the append-only file of an idle system busy.
SCENE_TEST(RedisLeasesAtWork, AreNotWrittenByABeatThatChangesNothing) {
  CO_ASSERT_OK(co_await at.lease_for(*at.a, "1"));
  CO_ASSERT_OK(co_await at.a->leases().beat(me(), time_of_lease));
  const auto before = co_await at.info("persistence");
  CO_ASSERT_OK(before);
  for (int i = 0; i < 20; ++i) {
    const auto all = co_await at.a->leases().beat(me(), time_of_lease);
    CO_ASSERT_OK(all);
    EXPECT_EQ(all->instances.size(), 1u);
    EXPECT_EQ(all->managed, 1u);
  }
  const auto after = co_await at.info("persistence");
  CO_ASSERT_OK(after);
  const auto changes = [](const std::string& text) { return number_after(text, "rdb_changes_since_last_save:"); };
  EXPECT_EQ(changes(*after), changes(*before));
  auto busier = me();
  busier.managed = 5;
  CO_ASSERT_OK(co_await at.a->leases().beat(std::move(busier), time_of_lease));
  const auto written = co_await at.info("persistence");
  CO_ASSERT_OK(written);
  EXPECT_EQ(changes(*written), changes(*before) + 1);
}

}  // namespace
}  // namespace mcpstate
