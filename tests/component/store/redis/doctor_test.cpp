// SPDX-License-Identifier: MIT
// What doctor finds and mends of what another program has replaced, in Redis.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "component/store/redis/values_scene.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using test::base;
using test::service;
using test::somebody;

class RedisDoctor : public test::values_fixture {};

std::uint64_t found(const std::vector<finding>& all, std::string_view check, finding::level how) {
  std::uint64_t n = 0;
  for (const auto& f : all) n += f.check == check && f.severity == how ? f.count : 0;
  return n;
}

SCENE_TEST(RedisDoctor, MendsRevisionsThatCannotBeRead) {
  for (const std::string text : {"9007199254740992", "1.5", "\"7\"", ""}) {
    SCOPED_TRACE(text);
    const auto written = co_await at.write(status::connected);
    CO_ASSERT_OK(written);
    CO_ASSERT_OK(co_await at.set_revision(text));
    const auto before = co_await at.ours->examine(false, nullptr);
    CO_ASSERT_OK(before);
    EXPECT_EQ(found(*before, "junk_info", finding::level::warning), 1u);
    const auto fixed = co_await at.ours->examine(true, nullptr);
    CO_ASSERT_OK(fixed);
    EXPECT_EQ(found(*fixed, "junk_info", finding::level::repaired), 1u);
    const auto now = co_await at.get();
    CO_ASSERT_OK(now);
    EXPECT_GT(now->revision, 0u);
    EXPECT_EQ(now->connected_at, written->connected_at);
    EXPECT_TRUE(now->problems.empty());
  }
}

SCENE_TEST(RedisDoctor, FindsWhatKeepsConnectionsUnmanaged) {
  change managed(somebody(), service(), status::connected);
  details info;
  info.managed = true;
  managed.set_details(std::move(info));
  CO_ASSERT_OK(co_await at.ours->put(std::move(managed)));
  redis::request r;
  r.add("SET", "mcp:user:2:server:s:lease", "someone's", "PX", "3600000");
  r.add("SET", "mcp:user:3:server:s:status", "up", "PX", "3600000");
  r.add("ZADD", "mcp:managed:0", "0", "no connection").add("PEXPIRE", "mcp:managed:0", "3600000");
  CO_ASSERT_OK(co_await at.says(std::move(r)));
  const auto all = co_await at.ours->examine(false, nullptr);
  CO_ASSERT_OK(all);
  EXPECT_EQ(found(*all, "unmanaged", finding::level::problem), 1u);
  EXPECT_EQ(found(*all, "junk_lease", finding::level::warning), 1u);
  EXPECT_EQ(found(*all, "junk_status", finding::level::warning), 1u);
  EXPECT_EQ(found(*all, "misplaced_entries", finding::level::warning), 1u);
  const auto fixed = co_await at.ours->examine(true, nullptr);
  CO_ASSERT_OK(fixed);
  EXPECT_EQ(found(*fixed, "unmanaged", finding::level::repaired), 1u);
  EXPECT_EQ(found(*fixed, "misplaced_entries", finding::level::repaired), 1u);
  instance_report me;
  me.name = "one";
  const auto beat = co_await at.ours->leases().beat(std::move(me), 60s);
  CO_ASSERT_OK(beat);
  EXPECT_EQ(beat->unheld.size(), 1u);
}

// Ten thousand servers, half of them ghosts: more commands than the link takes at once, in the examination and the repair.
SCENE_TEST(RedisDoctor, ExaminesAndRepairsAnOwnerWithManyServers) {
  constexpr int servers = 10'000;
  for (int first = 0; first < servers; first += 5000) {
    redis::request r;
    for (int i = first; i < first + 5000; ++i) {
      const auto member = "s" + std::to_string(i);
      r.add("SADD", "mcp:user:1:connections", member);
      if (i % 2 == 0) r.add("SET", "mcp:user:1:server:" + member + ":status", "CONNECTED", "PX", "3600000");
    }
    auto said = co_await at.foreign.exec(std::move(r), aio::after(30s), redis::effect::write);
    CO_ASSERT_OK(said);
  }
  std::uint64_t steps = 0;
  progress_handler progress = [&steps](std::uint64_t, std::string_view) { ++steps; };
  const auto all = co_await at.ours->examine(false, progress);
  CO_ASSERT_OK(all);
  EXPECT_EQ(found(*all, "ghosts", finding::level::problem), servers / 2u);
  EXPECT_GT(steps, 10u);
  steps = 0;
  const auto fixed = co_await at.ours->examine(true, progress);
  CO_ASSERT_OK(fixed);
  EXPECT_EQ(found(*fixed, "ghosts", finding::level::repaired), servers / 2u);
  EXPECT_GT(steps, 20u) << "the repair tells its progress, too";
}

}  // namespace
}  // namespace mcpstate
