// SPDX-License-Identifier: MIT
// A server that does not answer any more, and one that is back, as watchers see them.
#include <gtest/gtest.h>

#include "component/store/redis/instances_scene.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;

// Its connection is open, and nobody asks for anything.
CO_TEST_WITHIN(RedisWatch, TellsOfAFrozenServerWithinSeconds, 60s) {
  test::redis_server server;
  test::redis_scene at(context, server);
  auto opened = co_await at.open();
  CO_ASSERT_OK(opened);
  store& records = **opened;
  std::optional<owner> who = owner::user("1").value();
  auto watching = co_await records.watch(std::move(who));
  CO_ASSERT_OK(watching);
  const auto first = co_await (*watching)->next();
  CO_ASSERT_OK(first);
  EXPECT_EQ(first->what, event::kind::ready);
  server.freeze();
  const auto frozen = std::chrono::steady_clock::now();
  const auto told = co_await (*watching)->next();
  EXPECT_LT(std::chrono::steady_clock::now() - frozen, 15s) << "three seconds where nothing else runs";
  CO_ASSERT_FAILS(told, errc::connection_lost);
  server.thaw();
  const auto back = co_await (*watching)->next();
  CO_ASSERT_OK(back);
  EXPECT_EQ(back->what, event::kind::resync);
  watching->reset();
  co_await records.close();
  co_await at.foreign.close();
}

}  // namespace
}  // namespace mcpstate
