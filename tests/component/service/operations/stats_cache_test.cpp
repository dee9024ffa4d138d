// SPDX-License-Identifier: MIT
// The counts over the whole store: however many ask, it is read once in a while.
#include <gtest/gtest.h>

#include "component/service/events/event_scene.hh"
#include "service/operations/stats_cache.hh"

namespace mcpstate::service {
namespace {

using namespace std::chrono_literals;

struct asker {
  asker() {}
  result<stats_cache::snapshot> got = error(errc::stopped, "nothing yet");
};
asio::awaitable<void> ask(stats_cache* from, stats_cache::time_point now, std::shared_ptr<asker> who) {
  auto work = from->get(now);
  who->got = co_await std::move(work);
}

// How often the store was read, with this outcome.
double readings(const scene& at, const std::string& outcome) {
  const auto text = at.counted.render();
  const auto line = "mcpstate_store_operations_total{operation=\"stats\",outcome=\"" + outcome + "\"} ";
  const auto found = text.find(line);
  return found == std::string::npos ? 0 : std::stod(text.substr(found + line.size()));
}

asio::awaitable<void> shared(scene& at) {
  stats_cache counts(*at.ours, at.counted);
  CO_ASSERT_OK(co_await put(*at.ours, user("1"), "a", status::connected));
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<asker>> all;
  {
    aio::task_group asking(at.context.get_executor());
    for (int n = 0; n < 50; ++n) {
      all.push_back(std::make_shared<asker>());
      asking.spawn("asker", ask(&counts, now, all.back()));
    }
    co_await asking.join();
  }
  EXPECT_EQ(readings(at, "ok"), 1);
  for (const auto& one : all) {
    CO_ASSERT_OK(one->got);
    EXPECT_EQ(one->got->stats.connected, 1U);
    EXPECT_EQ(one->got->started_at, now);
  }
  CO_ASSERT_OK(co_await put(*at.ours, user("2"), "a", status::connected));
  const auto soon = co_await counts.get(now + max_stats_age - 1ms);
  CO_ASSERT_OK(soon);
  EXPECT_EQ(soon->stats.connected, 1U);
  EXPECT_EQ(soon->started_at, now);
  const auto later = co_await counts.get(now + max_stats_age);
  CO_ASSERT_OK(later);
  EXPECT_EQ(later->stats.connected, 2U);
  EXPECT_EQ(later->started_at, now + max_stats_age);
  EXPECT_EQ(readings(at, "ok"), 2);
}
TEST(StatsCache, SharesOneReadingAmongCloseRequests) {
  for (const auto on : {kind::memory, kind::sqlite, kind::redis}) with_scene(ground(on), shared);
}

asio::awaitable<void> failing(scene& at) {
  stats_cache counts(*at.ours, at.counted);
  co_await at.ours->close();
  const auto now = std::chrono::steady_clock::now();
  for (int n = 1; n <= 2; ++n) {
    const auto got = co_await counts.get(now);
    EXPECT_FALSE(got.has_value());
    EXPECT_EQ(readings(at, "cancelled"), n) << "a failure is not kept";
  }
  at.ours.reset();
}
TEST(StatsCache, ReadsAgainAfterAFailure) { with_scene(ground(kind::sqlite), failing); }

}  // namespace
}  // namespace mcpstate::service
