// SPDX-License-Identifier: MIT
// Live events of what a program writes that knows only the four documented keys, through an outage, and what they cost Redis.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "component/service/events/event_scene.hh"
#include "manager/owner_watches.hh"
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

// How often records of an owner were listed.
task<std::uint64_t> count_listings(redis::link& foreign) {
  redis::request asks;
  asks.add("INFO", "commandstats");
  auto asking = foreign.exec(std::move(asks), aio::after(10s), redis::effect::read);
  auto answer = co_await std::move(asking);
  if (!answer) co_return answer.error();
  const std::string& text = answer->front().text;
  const std::string_view name = "cmdstat_sort_ro:calls=";
  const auto found = text.find(name);
  co_return found == std::string::npos ? std::uint64_t{0} : std::stoull(text.substr(found + name.size()));
}

// Reads until this many events with a record came.
asio::awaitable<void> count_changes(watcher& from, std::size_t& count) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    auto reading = from.next();
    const auto got = co_await std::move(reading);
    if (!got) co_return;
    if (got->record) ++count;
  }
}

// Event streams, watchers of a host that embeds the library, and the manager.
CO_TEST_WITHIN(EventRedis, ListsOncePerChangeHoweverManyWatch, 60s) {
  const ground on(kind::redis);
  scene at(context, on.url);
  const store_options options;
  const event_broker_options limits;
  co_await open_scene(at, options, limits);
  CO_ASSERT_TRUE(at.live);
  CO_ASSERT_OK(co_await put(*at.ours, user("1"), "github", status::connected));
  redis::link_config config;
  config.host = "127.0.0.1";
  config.port = on.redis->port();
  const auto foreign = redis::make_link(context.get_executor(), config);
  foreign->start();
  const auto unwatched = co_await count_listings(*foreign);
  CO_ASSERT_OK(unwatched);

  std::vector<std::shared_ptr<client>> streams;
  for (int i = 0; i < 200; ++i) streams.push_back(at.join(user("1")));
  const auto all_have = [&streams](const std::string& status) {
    return std::ranges::all_of(streams, [&](const auto& one) { return one->seen.statuses["github"] == status; });
  };
  CO_ASSERT_TRUE(co_await eventually([&] { return all_have("CONNECTED"); }));
  const auto joined = co_await count_listings(*foreign);
  CO_ASSERT_OK(joined);
  EXPECT_EQ(*joined, *unwatched + 1) << "those who join together share one listing";

  std::size_t managed = 0;
  owner_watches manager_watches(
      *at.ours, [&managed](const event&) { ++managed; }, [](const owner&) {},
      [](const std::string& what) { ADD_FAILURE() << what; });
  for (int i = 0; i < 3; ++i) manager_watches.add(user("1"));
  std::vector<std::unique_ptr<watcher>> library;
  std::vector<std::size_t> changes(20);
  for (auto& count : changes) {
    auto opened = co_await at.ours->watch(user("1"));
    CO_ASSERT_OK(opened);
    library.push_back(std::move(*opened));
    at.readers.spawn("library", count_changes(*library.back(), count));
  }
  const auto told = [&changes, &managed](std::size_t times) {
    return managed == times && std::ranges::all_of(changes, [times](auto count) { return count == times; });
  };
  CO_ASSERT_TRUE(co_await eventually([&] { return told(1); }));

  const auto before = co_await count_listings(*foreign);
  CO_ASSERT_OK(before);
  redis::request fails;
  fails.add("SET", base + "status", "FAILED");
  CO_ASSERT_OK(co_await foreign->exec(std::move(fails), aio::after(10s), redis::effect::write));
  CO_ASSERT_TRUE(co_await eventually([&] { return all_have("FAILED") && told(2); }));
  const auto after = co_await count_listings(*foreign);
  CO_ASSERT_OK(after);
  EXPECT_EQ(*after, *before + 1);
  EXPECT_EQ(streams.front()->frames.back(), streams.back()->frames.back());

  library.clear();
  co_await manager_watches.stop();
  co_await foreign->close();
  co_await close_scene(at);
}

}  // namespace
}  // namespace mcpstate::service
