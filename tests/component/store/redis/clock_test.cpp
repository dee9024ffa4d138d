// SPDX-License-Identifier: MIT
// The clock of this machine is not that of Redis, and does not stay as it was: it was asleep, or somebody has set it.
#include <gtest/gtest.h>

#include <charconv>
#include <string>

#include "component/store/redis/scene.hh"
#include "support/co_test.hh"
#include "support/manual_clock.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::manual_clock;
using test::redis_scene;
using test::redis_server;

const owner& who() {
  static const owner one = owner::user("1").value();
  return one;
}

// A store by a clock that this test sets.
struct clock_scene : redis_scene {
  using redis_scene::redis_scene;
  task<bool> open_by_clock() {
    store_options options;
    options.clock = &clock;
    MCPSTATE_CO_TRY(parsed, parse_store_url(url));
    auto opened = co_await open_redis_backend(context.get_executor(), std::move(parsed), options);
    if (!opened) co_return opened.error();
    backend = std::move(*opened);
    co_return true;
  }
  // How far the store's time is from that of Redis, which is on this machine.
  [[nodiscard]] std::chrono::milliseconds error_of_clock() const {
    return std::chrono::abs(std::chrono::duration_cast<std::chrono::milliseconds>(backend->now() - wall_clock().now()));
  }
  // By how many listings Redis was asked.
  task<std::uint64_t> listings() {
    const std::string section = "commandstats", what = "cmdstat_sort_ro:calls=";
    auto got = co_await asks("INFO", section);
    if (!got) co_return got.error();
    const auto at = got->text.find(what);
    std::uint64_t n = 0;
    if (at != std::string::npos)
      std::from_chars(got->text.data() + at + what.size(), got->text.data() + got->text.size(), n);
    co_return n;
  }
  manual_clock clock;
  std::unique_ptr<store_backend> backend;
};

using scene_body = asio::awaitable<void> (*)(clock_scene& at);

asio::awaitable<void> with_scene(asio::io_context& io, const redis_server& server, scene_body run) {
  clock_scene at(io, server);
  CO_ASSERT_OK(co_await at.open_by_clock());
  co_await run(at);
  co_await at.backend->close();
  co_await at.foreign.close();
}

class RedisClock : public testing::Test {
 protected:
  void with(scene_body run) {
    test::run_co_test([&](asio::io_context& io) { return with_scene(io, server_, run); });
  }
  redis_server server_;
};

#define SCENE_TEST(Fixture, Name) CO_TEST_STARTED(TEST_F, Fixture, Name, (clock_scene & at), with(body))

SCENE_TEST(RedisClock, IsMeasuredWhenTheStoreIsOpened) {
  EXPECT_LT(at.error_of_clock(), 1s);
  co_return;
}

SCENE_TEST(RedisClock, IsMeasuredAgainWhenAConnectionIsMade) {
  for (const auto jump : {2h, -5h}) {
    at.clock.advance(jump);
    EXPECT_GT(at.error_of_clock(), 1h);
    redis::request cut;
    cut.add("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    CO_ASSERT_OK(co_await at.says(std::move(cut)));
    CO_ASSERT_TRUE(co_await eventually([&at] { return at.error_of_clock() < 1s; }));
  }
}

SCENE_TEST(RedisClock, IsMeasuredAgainWhenARecordIsThereThatShouldBeGone) {
  store up(std::move(at.backend));
  change c(who(), server_name::parse("a").value(), status::connected);
  CO_ASSERT_OK(co_await up.put(std::move(c)));
  const watch_options defaults;
  auto watch = co_await up.watch(who(), defaults);
  CO_ASSERT_OK(watch);
  for (int i = 0; i < 2; ++i) CO_ASSERT_OK(co_await (*watch)->next());
  const auto before = co_await at.listings();
  CO_ASSERT_OK(before);
  at.clock.advance(25h);
  const auto until = std::chrono::steady_clock::now() + 1500ms;
  const auto over = [&until] { return std::chrono::steady_clock::now() > until; };
  CO_ASSERT_TRUE(co_await eventually(over));
  const auto after = co_await at.listings();
  CO_ASSERT_OK(after);
  EXPECT_GE(*after, *before + 1) << "it was looked at";
  EXPECT_LE(*after, *before + 3) << "and not again and again";
  EXPECT_FALSE((*watch)->try_next()) << "nothing has changed";
  watch->reset();
  co_await up.close();
  CO_ASSERT_OK(co_await at.open_by_clock());
}

}  // namespace
}  // namespace mcpstate
