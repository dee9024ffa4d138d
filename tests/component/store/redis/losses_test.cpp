// SPDX-License-Identifier: MIT
// What a server loses is told: it was started again without its data, flushed, or has made room. What somebody removes is not.
#include <gtest/gtest.h>

#include <string>

#include "component/store/redis/instances_scene.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;

change recorded(const std::string& id) {
  change out(owner::user(id).value(), server_name::parse("s").value(), status::connected);
  out.tools(tools_list::parse(R"([{"name":"search"}])").value());
  return out;
}

// Reads up to the next resync, which it answers; or the error that ends the reading.
task<event> next_resync(watcher& from) {
  for (;;) {
    auto reading = from.next();
    auto got = co_await std::move(reading);
    if (!got && got.error().is(cond::unavailable)) continue;
    if (!got || got->what == event::kind::resync) co_return got;
  }
}

struct watched_store {
  watched_store() {}
  std::unique_ptr<store> records;
  std::unique_ptr<watcher> watching;
};

// A store with one record, and a watch that has seen it.
task<watched_store> open_watched(test::redis_scene& at) {
  watched_store out;
  auto opened = co_await at.open();
  if (!opened) co_return opened.error();
  out.records = std::move(*opened);
  auto written = co_await out.records->put(recorded("1"));
  if (!written) co_return written.error();
  std::optional<owner> who = owner::user("1").value();
  auto watching = co_await out.records->watch(std::move(who));
  if (!watching) co_return watching.error();
  out.watching = std::move(*watching);
  for (;;) {
    auto reading = out.watching->next();
    auto got = co_await std::move(reading);
    if (!got) co_return got.error();
    if (got->what == event::kind::ready) break;
  }
  co_return std::move(out);
}

asio::awaitable<void> close_watched(test::redis_scene& at, watched_store& on) {
  on.watching.reset();
  co_await on.records->close();
  co_await at.foreign.close();
}

CO_TEST_WITHIN(RedisLosses, AreToldAfterARestartWithoutTheData, 60s) {
  test::redis_server server;
  test::redis_scene at(context, server);
  auto opened = co_await open_watched(at);
  CO_ASSERT_OK(opened);
  const auto before = co_await opened->records->leases().losses();
  CO_ASSERT_OK(before);
  EXPECT_EQ(*before, data_losses());
  server.kill();
  server.restart();
  const auto told = co_await next_resync(*opened->watching);
  CO_ASSERT_OK(told);
  EXPECT_NE(told->remark.find("another server answers"), std::string_view::npos) << told->remark;
  const auto after = co_await opened->records->leases().losses();
  CO_ASSERT_OK(after);
  EXPECT_EQ(after->replaced, 1u);
  EXPECT_EQ(after->flushed + after->evicted, 0u);
  const auto gone = co_await opened->watching->next();
  CO_ASSERT_OK(gone);
  EXPECT_EQ(gone->what, event::kind::removed);
  co_await close_watched(at, *opened);
}

// A connection that was only closed has lost nothing.
CO_TEST_WITHIN(RedisLosses, AreNoneWhereOnlyTheConnectionWasLost, 60s) {
  test::redis_server server;
  test::redis_scene at(context, server);
  auto opened = co_await open_watched(at);
  CO_ASSERT_OK(opened);
  redis::request kills;
  kills.add("CLIENT", "KILL", "TYPE", "pubsub").add("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  CO_ASSERT_OK(co_await at.says(std::move(kills)));
  const auto told = co_await next_resync(*opened->watching);
  CO_ASSERT_OK(told);
  EXPECT_EQ(told->remark, "");
  const auto after = co_await opened->records->leases().losses();
  CO_ASSERT_OK(after);
  EXPECT_EQ(*after, data_losses());
  co_await close_watched(at, *opened);
}

CO_TEST_WITHIN(RedisLosses, AreToldAfterAFlush, 60s) {
  test::redis_server server;
  test::redis_scene at(context, server);
  auto opened = co_await open_watched(at);
  CO_ASSERT_OK(opened);
  redis::request flush;
  flush.add("FLUSHALL");
  CO_ASSERT_OK(co_await at.says(std::move(flush)));
  const auto told = co_await next_resync(*opened->watching);
  CO_ASSERT_OK(told);
  EXPECT_NE(told->remark.find("flushed"), std::string_view::npos) << told->remark;
  const auto after = co_await opened->records->leases().losses();
  CO_ASSERT_OK(after);
  EXPECT_EQ(after->flushed, 1u);
  EXPECT_EQ(after->replaced, 0u);
  co_await close_watched(at, *opened);
}

CO_TEST_WITHIN(RedisLosses, AreToldAfterAnEviction, 60s) {
  test::redis_server server;
  test::redis_scene at(context, server);
  auto opened = co_await open_watched(at);
  CO_ASSERT_OK(opened);
  redis::request fill;
  fill.add("CONFIG", "SET", "maxmemory-policy", "allkeys-random").add("SET", "filler", std::string(1u << 20U, 'x'));
  fill.add("CONFIG", "SET", "maxmemory", "1mb");
  CO_ASSERT_OK(co_await at.says(std::move(fill)));
  std::uint64_t evicted = 0;
  for (const auto until = aio::after(10s); evicted == 0 && std::chrono::steady_clock::now() < until;) {
    redis::request more;
    more.add("SET", "another", "x");
    CO_ASSERT_OK(co_await at.says(std::move(more)));
    const auto found = co_await opened->records->leases().losses();
    CO_ASSERT_OK(found);
    evicted = found->evicted;
  }
  EXPECT_GT(evicted, 0u);
  const auto told = co_await next_resync(*opened->watching);
  CO_ASSERT_OK(told);
  EXPECT_NE(told->remark.find("removed keys"), std::string_view::npos) << told->remark;
  co_await close_watched(at, *opened);
}

CO_TEST_WITHIN(RedisLosses, AreNoneWhereSomebodyRemovesTheKeys, 60s) {
  test::redis_server server;
  test::redis_scene at(context, server);
  auto opened = co_await open_watched(at);
  CO_ASSERT_OK(opened);
  redis::request find;
  find.add("KEYS", "mcp:*");
  const auto keys = co_await at.says(std::move(find));
  CO_ASSERT_OK(keys);
  redis::request removes;
  removes.command(1 + keys->items.size()).arg("DEL");
  for (const auto& key : keys->items) removes.arg(key.text);
  CO_ASSERT_OK(co_await at.says(std::move(removes)));
  const auto gone = co_await opened->watching->next();
  CO_ASSERT_OK(gone);
  EXPECT_EQ(gone->what, event::kind::removed);
  const auto after = co_await opened->records->leases().losses();
  CO_ASSERT_OK(after);
  EXPECT_EQ(*after, data_losses());
  co_await close_watched(at, *opened);
}

// A user who may not ask for INFO is served, and told of nothing.
CO_TEST(RedisLosses, AreUnknownToAUserWhoMayNotAsk) {
  test::redis_options with_users;
  with_users.acl = {"noinfo on >pw-noinfo ~mcp:* &* +@all -info"};
  test::redis_server server(with_users);
  const store_options options;
  const std::string url = "redis://noinfo:pw-noinfo@127.0.0.1:" + std::to_string(server.port()) + "/0";
  auto opened = co_await open_store(context.get_executor(), url, options);
  CO_ASSERT_OK(opened);
  const auto found = co_await (*opened)->leases().losses();
  CO_ASSERT_OK(found);
  EXPECT_EQ(*found, data_losses());
  CO_ASSERT_OK(co_await (*opened)->put(recorded("1")));
  co_await (*opened)->close();
}

}  // namespace
}  // namespace mcpstate
