// SPDX-License-Identifier: MIT
// Whom to connect to, and when to ask.
#include <gtest/gtest.h>

#include "unit/redis/topology/topology_stage.hh"

namespace mcpstate::redis {
namespace {

TEST(Topology, AsksTheFirstSeedThatAnswersAndOpensItsPrimaries) {
  topology_stage s("a");
  EXPECT_EQ(s.seen(), texts({"open a"}));
  s.ready('a');
  EXPECT_EQ(s.seen(), texts({"ask a"}));
  s.answer('a', view_of("abc", 1));
  EXPECT_EQ(s.seen(), texts({"open b", "open c", "changed 0-16383"}));
  EXPECT_EQ(s.owner(0), "a");
  EXPECT_EQ(s.owner(16383), "c unusable");
  s.ready('c');
  EXPECT_EQ(s.owner(16383), "c");
}

TEST(Topology, OpensThreeSeedsAtOnceAndTheNextWhenTheyFail) {
  topology_stage s("abcde");
  EXPECT_EQ(s.seen(), texts({"open a", "open b", "open c"}));
  s.lose('b');
  EXPECT_EQ(s.seen(), texts({"close b", "open d"}));
}

TEST(Topology, DoesNotWaitForSeedsThatNeverAnswer) {
  topology_stage s("abcde");
  s.seen();
  s.wait(milliseconds(1000));
  EXPECT_EQ(s.seen(), texts({"open d", "open e"}));
}

TEST(Topology, TellsWhyWhenAllSeedsAreDead) {
  topology_stage s("ab");
  s.seen();
  s.lose('a');
  EXPECT_EQ(s.fsm.failure(), nullptr);
  s.lose('b');
  EXPECT_EQ(s.seen(), texts({"close a", "close b", "fail connect_failed"}));
  ASSERT_NE(s.fsm.failure(), nullptr);
  s.wait(milliseconds(100));
  EXPECT_EQ(s.seen(), texts({"open a", "open b"}));
  s.ready('b');
  s.answer('b', view_of("b", 1));
  EXPECT_EQ(s.fsm.failure(), nullptr);
}

TEST(Topology, PausesLongerAndLongerBetweenAttemptsThatFail) {
  topology_stage s("a");
  std::vector<milliseconds> pauses;
  for (int i = 0; i < 7; ++i) {
    s.lose('a');
    s.seen();
    const time_point before = s.now;
    while (s.seen().empty()) s.wait(milliseconds(50));
    pauses.push_back(std::chrono::duration_cast<milliseconds>(s.now - before));
  }
  EXPECT_EQ(pauses.front(), milliseconds(100));
  EXPECT_TRUE(std::is_sorted(pauses.begin(), pauses.end()));
  EXPECT_EQ(pauses.back(), milliseconds(2000));
}

TEST(Topology, NeverTakesASentinelOrASingleServerForANode) {
  topology_stage s("ab");
  s.seen();
  s.ready('a', hello("sentinel"));
  EXPECT_EQ(s.seen(), texts({"close a"}));
  s.ready('b', hello("standalone"));
  EXPECT_EQ(s.seen(), texts({"close b", "fail unsupported"}));
  EXPECT_EQ(s.fsm.failure()->code(), errc::unsupported);
}

TEST(Topology, TellsOfSeveralReasonsTheOneThatAPersonCanAnswer) {
  topology_stage s("abc");
  s.lose('a', error(errc::auth_failed, "no"));
  s.lose('b');
  s.lose('c', error(errc::deadline, "late"));
  EXPECT_EQ(s.fsm.failure()->code(), errc::auth_failed);
}

TEST(Topology, AsksAReplicaButNeverSendsItRequests) {
  topology_stage s("r");
  s.ready('r', hello("cluster", "replica"));
  EXPECT_EQ(s.asked(), "r");
  cluster_view said = view_of("ab", 1);
  said.map.add_replica(node_of('r'));
  s.answer('r', said);
  EXPECT_EQ(s.seen(), texts({"open r", "ask r", "open a", "open b", "close r", "changed 0-16383"}));
}

TEST(Topology, NeverUsesAPrimaryThatSaysItIsAReplica) {
  topology_stage s("a");
  s.settle("abc");
  s.lose('b');
  s.ready('b', hello("cluster", "slave"));
  EXPECT_EQ(s.owner(6000), "b unusable");
  EXPECT_NE(s.fsm.any_primary(), s.node('b'));
}

TEST(Topology, UsesAReplicaOnceTheMapSaysThatItWasPromoted) {
  topology_stage s("a");
  s.settle("abc");
  s.lose('b');
  s.ready('b', hello("cluster", "replica"));
  s.calm(view_of("abc", 2));
  EXPECT_EQ(s.owner(6000), "b");
}

TEST(Topology, NeverUsesANodeThatIsAnotherThanTheMapSays) {
  topology_stage s("a");
  s.settle("abc");
  s.lose('b');
  s.ready('b', hello(), "id-of-another");
  EXPECT_EQ(s.owner(6000), "b unusable");
}

TEST(Topology, RefreshesWhenAConnectionIsLost) {
  topology_stage s("a");
  s.settle("abc");
  s.lose('b');
  EXPECT_EQ(s.asked(), "ac");
}

TEST(Topology, RefreshesWhenAnAttemptIsRefused) {
  topology_stage s("a");
  s.settle("abc");
  s.lose('b');
  s.calm(view_of("abc", 1));
  s.lose('b');
  EXPECT_EQ(s.asked_within(milliseconds(500)), "ac");
}

TEST(Topology, RefreshesByItselfEachHalfMinute) {
  topology_stage s("a");
  s.settle("abc");
  s.calm(view_of("abc", 1));
  EXPECT_EQ(s.asked_within(milliseconds(20000)), "");
  EXPECT_EQ(s.asked_within(milliseconds(36000)).size(), 1u);
}

TEST(Topology, AsksOthersWhenOneSaysSomethingNew) {
  topology_stage s("a");
  s.settle("abc");
  const std::string first = s.asked_within(milliseconds(40000));
  ASSERT_EQ(first.size(), 1u);
  s.answer(first[0], view_of("abd", 1));
  EXPECT_EQ(s.asked().size(), 2u);
  EXPECT_EQ(s.owner(16383), "c");
}

TEST(Topology, MakesOneRefreshOfManyDoubts) {
  topology_stage s("a");
  s.settle("abc");
  for (int i = 0; i < 100; ++i) s.doubt();
  EXPECT_EQ(s.asked(), "abc");
  for (const char each : {'a', 'b', 'c'}) s.answer(each, view_of("abc", 1));
  EXPECT_EQ(s.asked(), "");
  EXPECT_EQ(s.asked_within(milliseconds(2000)), "abc");  // one for those that came meanwhile
  for (const char each : {'a', 'b', 'c'}) s.answer(each, view_of("abc", 1));
  EXPECT_EQ(s.asked_within(milliseconds(10000)), "");
}

TEST(Topology, PausesAtMostHalfASecondWhileASuccessorIsAwaited) {
  topology_stage s("a");
  s.settle("abc");
  s.lose('b');
  std::size_t rounds = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string asked = s.asked();
    rounds += asked.empty() ? 0u : 1u;
    for (const char each : asked) s.answer(each, view_of("abc", 1));
    s.wait(milliseconds(100));
  }
  EXPECT_GE(rounds, 20u);
  EXPECT_LE(rounds, 30u);
}

TEST(Topology, PassesOverANodeThatHangs) {
  topology_stage s("a");
  s.settle("abcd");
  s.doubt();
  const std::string first = s.asked();
  ASSERT_EQ(first.size(), 3u);
  s.answer(first[0], view_of("abcd", 1));
  s.answer(first[1], view_of("abcd", 1));
  s.wait(milliseconds(1000));
  const std::string next = s.asked();  // who had not been asked, instead of the one that hangs
  EXPECT_EQ(next.find(first[2]), std::string::npos);
}

TEST(Topology, AsksTheNextWhenAllWhoWereAskedHang) {
  topology_stage s("a");
  s.settle("abcdef");
  s.doubt();
  const std::string first = s.asked();
  s.wait(milliseconds(1000));
  const std::string next = s.asked();
  ASSERT_EQ(next.size(), 3u);
  for (const char each : next) EXPECT_EQ(first.find(each), std::string::npos);
}

TEST(Topology, SpreadsWhatAnyNodeCanDo) {
  topology_stage s("a");
  s.settle("abc");
  std::map<node_id, int> used;
  for (int i = 0; i < 30; ++i) ++used[s.fsm.any_primary()];
  EXPECT_EQ(used.size(), 3u);
  for (const auto& [node, times] : used) EXPECT_EQ(times, 10);
}

}  // namespace
}  // namespace mcpstate::redis
