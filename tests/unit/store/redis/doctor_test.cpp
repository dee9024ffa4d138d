// SPDX-License-Identifier: MIT
// What doctor says of a server and of the sizes of a store, from numbers that no test can wait for.
#include <gtest/gtest.h>

#include <algorithm>

#include <string>

#include "store/redis/doctor/data_survey.hh"
#include "store/redis/doctor/server_info.hh"
#include "store/redis_acl.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using level = finding::level;

finding judged(std::string info, std::string_view check, bool under_sentinel = false) {
  server_circumstances known;
  known.under_sentinel = under_sentinel;
  known.now = timestamp(std::chrono::seconds(1'000'000));
  for (auto& one : judge_server(server_info(info), known))
    if (one.check == check) return one;
  return {};
}

const finding* with_check(const std::vector<finding>& all, std::string_view check) {
  for (const auto& one : all)
    if (one.check == check) return &one;
  return nullptr;
}

}  // namespace

TEST(ServerInfo, TellsOldSnapshotsOnlyWhereTheyAreAllThatThereIs) {
  const std::string late = "rdb_changes_since_last_save:5\r\nrdb_last_save_time:900000\r\n";
  EXPECT_EQ(judged(late, "last_save").severity, level::warning);
  EXPECT_EQ(judged(late + "aof_enabled:1\r\n", "last_save").severity, level::note);
  EXPECT_EQ(judged("rdb_changes_since_last_save:0\r\nrdb_last_save_time:900000\r\n", "last_save").severity, level::note);
  EXPECT_EQ(judged("rdb_changes_since_last_save:5\r\nrdb_last_save_time:999000\r\n", "last_save").severity, level::note);
}

TEST(ServerInfo, WarnsOfFragmentationOfALargeServerOnly) {
  EXPECT_EQ(judged("used_memory:1000000000\r\nmem_fragmentation_ratio:1.80\r\n", "fragmentation").severity, level::warning);
  EXPECT_EQ(judged("used_memory:1000000000\r\nmem_fragmentation_ratio:1.20\r\n", "fragmentation").severity, level::ok);
  EXPECT_EQ(judged("used_memory:1000000\r\nmem_fragmentation_ratio:9.80\r\n", "fragmentation").severity, level::ok);
}

TEST(ServerInfo, WarnsOfReplicasThatAreBehindAndOfAMasterThatNeedsNone) {
  const std::string two =
      "role:master\r\nconnected_slaves:2\r\nslave0:ip=10.0.0.1,port=6379,state=online,offset=9,lag=0\r\n";
  EXPECT_EQ(judged(two + "slave1:ip=10.0.0.2,port=6379,state=online,offset=9,lag=1\r\n", "replication").severity, level::ok);
  const auto behind = judged(two + "slave1:ip=10.0.0.2,port=6379,state=online,offset=1,lag=60\r\n", "replication");
  EXPECT_EQ(behind.severity, level::warning);
  EXPECT_EQ(behind.examples, std::vector<std::string>{"10.0.0.2:6379 online, 60 s"});
  EXPECT_EQ(judged(two, "min_replicas", true).severity, level::warning);
  EXPECT_EQ(judged(two + "min_slaves_good_slaves:2\r\n", "min_replicas", true).severity, level::ok);
  EXPECT_TRUE(judged(two, "min_replicas").check.empty());
}

TEST(ServerInfo, JudgesLatencyByMostOfItAndTheClockByASecond) {
  std::vector<std::chrono::microseconds> times(19, 100us);
  times.push_back(2s);
  const auto one_late = judge_latency(times);
  EXPECT_EQ(one_late.severity, level::ok);
  EXPECT_NE(one_late.text.find("2000000"), std::string::npos);
  EXPECT_EQ(judge_latency(std::vector<std::chrono::microseconds>(20, 60ms)).severity, level::warning);
  EXPECT_EQ(judge_clock(999ms).severity, level::ok);
  EXPECT_EQ(judge_clock(-2s).severity, level::warning);
  EXPECT_NE(judge_clock(-2s).text.find("behind"), std::string::npos);
  EXPECT_NE(judge_clock(2s).text.find("ahead"), std::string::npos);
}

TEST(DataSurvey, RanksTheLargestAndCountsCopies) {
  data_survey survey;
  EXPECT_TRUE(survey.findings().empty());
  for (int i = 0; i < 100; ++i) {
    const auto name = "user:" + std::to_string(i);
    survey.add_owner(name, static_cast<std::uint64_t>(i * 7 % 100));
    survey.add_record(name + " s", 100, i < 3 ? 60'000 : 86'400'000);
    survey.add_tools(name + " s", std::string(static_cast<std::size_t>(i < 50 ? 1000 : 2000), 'x'), 0);
  }
  const auto all = survey.findings();
  const auto* owners = with_check(all, "largest_owners");
  ASSERT_NE(owners, nullptr);
  EXPECT_EQ(owners->examples,
            (std::vector<std::string>{"user:57: 99", "user:14: 98", "user:71: 97", "user:28: 96", "user:85: 95"}));
  const auto* shared = with_check(all, "shared_tools");
  ASSERT_NE(shared, nullptr);
  EXPECT_TRUE(shared->text.starts_with("143 KiB of 146 KiB are copies")) << shared->text;
  const auto* soon = with_check(all, "expiring_soon");
  ASSERT_NE(soon, nullptr);
  EXPECT_EQ(soon->count, 3u);
}

TEST(RedisAcl, TriesEachRightByItsOwnCommand) {
  using topology = store_url::topology;
  EXPECT_EQ(transaction_rights().front().name, "multi");
  EXPECT_EQ(transaction_rights().back().name, "exec");
  for (const auto servers : {topology::single, topology::sentinel, topology::cluster}) {
    for (const auto& one : store_rights(servers, true)) {
      auto words = trial_words(one, "mcp:key");
      std::string name;
      for (const char c : words.front()) name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      EXPECT_TRUE(one.name == name || one.name.starts_with(name + "|")) << one.name;
      EXPECT_FALSE(one.purpose.empty()) << one.name;
    }
  }
}

TEST(RedisAcl, HasEachRightOnceForWhatIsAsked) {
  using topology = store_url::topology;
  const auto has = [](const acl_rules& rules, std::string_view right) {
    return std::count(rules.server.begin(), rules.server.end(), right);
  };
  EXPECT_EQ(has(least_rules(topology::single, false, "mcp"), "+wait"), 0);
  EXPECT_EQ(has(least_rules(topology::single, true, "mcp"), "+wait"), 1);
  EXPECT_EQ(has(least_rules(topology::single, true, "mcp"), "+role"), 1);
  EXPECT_EQ(has(least_rules(topology::sentinel, true, "mcp"), "+role"), 1);
  EXPECT_EQ(has(least_rules(topology::cluster, false, "mcp"), "+asking"), 1);
  EXPECT_EQ(has(least_rules(topology::single, false, "mcp"), "+asking"), 0);
}

}  // namespace mcpstate
