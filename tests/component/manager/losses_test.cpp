// SPDX-License-Identifier: MIT
// A store that loses records: what a manager holds open is written again, or forgotten. A record that vanishes alone was removed
// by somebody, and stays away.
#include "component/manager/manager_fixture.hh"
#include "redis/link.hh"
#include "support/redis_server.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// A Redis, a server with a connection to it, and another program.
struct losing_scene {
  losing_scene() {}
  redis_server on;
  std::unique_ptr<announcing_server> server;
  std::unique_ptr<store> records;
  recording_observer told;
  std::unique_ptr<manager> managing;
  std::shared_ptr<redis::link> foreign;
  std::uint64_t revision = 0;

  asio::awaitable<void> say(redis::request what) {
    auto got = co_await foreign->exec(redis::route::to_any(), std::move(what), aio::after(10s), redis::effect::write);
    CO_ASSERT_OK(got);
  }
  asio::awaitable<void> restart_empty() {
    on.kill();
    on.restart();
    co_return;
  }
  asio::awaitable<void> flush() {
    redis::request all;
    all.add("FLUSHALL");
    co_await say(std::move(all));
  }
  // As `redis-cli --scan --pattern 'mcp:*' | xargs redis-cli del` does. (One key after the other is a change of the record first, and
  // whoever manages it may put that right before the rest is gone.)
  asio::awaitable<void> remove_all_keys() {
    redis::request find;
    find.add("KEYS", "mcp:*");
    auto keys = co_await foreign->exec(redis::route::to_any(), std::move(find), aio::after(10s), redis::effect::read);
    CO_ASSERT_OK(keys);
    redis::request removes;
    removes.command(1 + keys->front().items.size()).arg("DEL");
    for (const auto& key : keys->front().items) removes.arg(key.text);
    co_await say(std::move(removes));
  }
  [[nodiscard]] bool remarked(std::string_view words) const {
    for (const auto& each : told.remarks) {
      if (each.find(words) != std::string::npos) return true;
    }
    return false;
  }
};
using losing_body = asio::awaitable<void> (*)(losing_scene& s);

asio::awaitable<void> play_losing(losing_scene& s, losing_body body, loss_rule rule) {
  const auto executor = co_await asio::this_coro::executor;
  s.server = std::make_unique<announcing_server>(executor);
  const std::string url = "redis://127.0.0.1:" + std::to_string(s.on.port()) + "/0";
  const store_options how;
  auto opening = open_store(executor, url, how);
  auto opened = co_await std::move(opening);
  CO_ASSERT_OK(opened);
  s.records = std::move(*opened);
  redis::link_config config;
  config.host = "127.0.0.1";
  config.port = s.on.port();
  s.foreign = redis::make_link(executor, config);
  s.foreign->start();
  auto options = quick_options();
  options.lease_time = 20s;
  options.on_data_loss = rule;
  options.observer = &s.told;
  s.managing = make_manager(*s.records, options);
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.server->url()));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
  s.revision = up->revision;
  // Its losses are known from the first beat on.
  const bool reported = co_await eventually([&s] { return s.managing->counts().reported; });
  EXPECT_TRUE(reported);
  co_await body(s);
  co_await s.managing->close();
  co_await s.foreign->close();
  co_await s.records->close();
  co_await s.server->stop();
  // What lives on the executor ends before it.
  s.managing.reset();
  s.foreign.reset();
  s.records.reset();
  s.server.reset();
}

void play_losses(losing_body body, loss_rule rule) {
  losing_scene s;
  run_co_test([&](asio::io_context&) { return play_losing(s, body, rule); }, 60s);
}

// A coroutine with the scene `s`.
#define LOSING_TEST(Name, rule) CO_TEST_STARTED(TEST, ManagerLosses, Name, (losing_scene & s), play_losses(body, rule))

asio::awaitable<void> expect_restored(losing_scene& s) {
  const auto above = [&s](const connection& record) {
    return record.state == status::connected && record.revision > s.revision && record.info.tool_count == 1;
  };
  const auto restored = co_await seen(*s.records, user(1), above, 20s);
  CO_ASSERT_TRUE(restored);
  EXPECT_TRUE(restored->info.managed);
  EXPECT_EQ(s.managing->counts().managed_here, 1u);
  const std::string holder = co_await holder_of(*s.records, user(1));
  EXPECT_EQ(holder, s.managing->options().instance);
  EXPECT_TRUE(s.remarked("it is written again"));
}

// And what is new afterwards is not disturbed.
asio::awaitable<void> expect_forgotten(losing_scene& s, std::string words) {
  const bool closed = co_await eventually([&s] { return s.server->ended() == 1; });
  EXPECT_TRUE(closed);
  const bool over = co_await eventually([&s] { return s.managing->counts().managed_here == 0; });
  EXPECT_TRUE(over);
  auto other = co_await connect_and_settle(*s.managing, user(2), by_url(s.server->url()));
  for (const auto until = aio::after(10s);
       !other && std::chrono::steady_clock::now() < until;) {  // watches are not back yet
    other = co_await connect_and_settle(*s.managing, user(2), by_url(s.server->url()));
  }
  CO_ASSERT_OK(other);
  EXPECT_EQ(other->state, status::connected);
  const auto gone = co_await s.records->list(user(1), tools_wanted::no);
  CO_ASSERT_OK(gone);
  EXPECT_TRUE((*gone)->empty());
  EXPECT_TRUE(s.remarked(words));
}

LOSING_TEST(AreWrittenAgainAfterAnEmptyRestart, loss_rule::by_cause) {
  co_await s.restart_empty();
  co_await expect_restored(s);
  EXPECT_EQ(s.server->sessions(), 1) << "the session went on";
  const std::vector<std::string> once{"replaced 1"};
  const bool told = co_await eventually([&] { return s.told.losses == once; });
  EXPECT_TRUE(told);
}

LOSING_TEST(AreForgottenAfterAnEmptyRestartWhereThatIsAskedFor, loss_rule::forget) {
  co_await s.restart_empty();
  std::string words = "the store has lost the record";
  co_await expect_forgotten(s, std::move(words));
}

LOSING_TEST(AreForgottenAfterAFlush, loss_rule::by_cause) {
  co_await s.flush();
  std::string words = "the store has lost the record";
  co_await expect_forgotten(s, std::move(words));
  const std::vector<std::string> once{"flushed 1"};
  const bool told = co_await eventually([&] { return s.told.losses == once; });
  EXPECT_TRUE(told);
}

LOSING_TEST(AreWrittenAgainAfterAFlushWhereThatIsAskedFor, loss_rule::restore) {
  co_await s.flush();
  co_await expect_restored(s);
}

LOSING_TEST(AreNoneWhereSomebodyRemovesTheKeys, loss_rule::restore) {
  co_await s.remove_all_keys();
  std::string words = "was removed, or has expired";
  co_await expect_forgotten(s, std::move(words));
  EXPECT_TRUE(s.told.losses.empty());
}

}  // namespace
}  // namespace mcpstate::test
