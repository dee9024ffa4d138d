// SPDX-License-Identifier: MIT
// Live events of what a program writes that knows only the four documented keys, and through an outage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "component/service/events/event_scene.hh"
#include "redis/link.hh"

namespace mcpstate::service {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::run_co_test;

const std::string base = "mcp:user:1:server:github:";  // NOLINT(cert-err58-cpp)

CO_TEST_WITHIN(EventRedis, ReportsWritesOfAForeignProgram, 60s) {
  const ground on(kind::redis);
  scene at(context, on.url);
  const store_options options;
  const event_broker_options limits;
  co_await open_scene(at, options, limits);
  CO_ASSERT_TRUE(at.live);
  redis::link_config config;
  config.host = "127.0.0.1";
  config.port = on.redis->port();
  const auto link = redis::make_link(context.get_executor(), config);
  redis::link& foreign = *link;
  foreign.start();
  const auto one = at.join(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.ready; }));

  redis::request connects;
  connects.add("SADD", "mcp:user:1:connections", "github");
  connects.add("SET", base + "status", "CONNECTED");
  connects.add("SET", base + "tools", R"([{"name":"search"}])");
  connects.add("SET", base + "connected_at", "2026-11-22T14:30:59.553780+00:00");
  CO_ASSERT_OK(co_await foreign.exec(std::move(connects), aio::after(10s), redis::effect::write));
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses["github"] == "CONNECTED"; }));
  EXPECT_THAT(*one->frames.back(), ::testing::Not(::testing::HasSubstr("search"))) << "tools are not part of events";

  redis::request fails;
  fails.add("SET", base + "status", "FAILED");
  CO_ASSERT_OK(co_await foreign.exec(std::move(fails), aio::after(10s), redis::effect::write));
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses["github"] == "FAILED"; }));

  redis::request removes;
  removes.add("DEL", base + "status", base + "tools", base + "connected_at", "mcp:user:1:connections");
  CO_ASSERT_OK(co_await foreign.exec(std::move(removes), aio::after(10s), redis::effect::write));
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses.empty(); }));
  EXPECT_EQ(one->seen.events["removed"], 1U);
  EXPECT_EQ(one->seen.fault, "");
  co_await foreign.close();
  co_await close_scene(at);
}

CO_TEST_WITHIN(EventRedis, ReportsAnOutageAndResyncs, 60s) {
  const ground on(kind::redis);
  scene at(context, on.url);
  store_options options;
  options.timeout = 2s;
  const event_broker_options limits;
  co_await open_scene(at, options, limits);
  CO_ASSERT_TRUE(at.live);
  CO_ASSERT_OK(co_await put(*at.ours, user("1"), "before", status::connected));
  const auto one = at.join(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses.contains("before"); }));

  on.redis->kill();
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.events["unavailable"] == 1; }));
  EXPECT_TRUE(one->seen.statuses.contains("before")) << "an outage is no change";
  const auto late = at.join(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return late->seen.events["unavailable"] == 1; }));
  EXPECT_FALSE(late->seen.ready);

  on.redis->restart();  // it has forgotten everything
  CO_ASSERT_TRUE(
      co_await eventually([&] { return one->seen.events["resync"] == 1 && one->seen.ready && late->seen.ready; }));
  EXPECT_TRUE(one->seen.statuses.empty());
  EXPECT_EQ(late->seen.events["resync"], 0U);
  EXPECT_EQ(one->seen.events["unavailable"], 1U) << "told once";
  CO_ASSERT_OK(co_await put(*at.ours, user("1"), "after", status::connected));
  CO_ASSERT_TRUE(
      co_await eventually([&] { return one->seen.statuses.contains("after") && late->seen.statuses.contains("after"); }));
  EXPECT_EQ(one->seen.fault + late->seen.fault, "");
  co_await close_scene(at);
}

}  // namespace
}  // namespace mcpstate::service
