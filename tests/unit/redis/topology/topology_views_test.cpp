// SPDX-License-Identifier: MIT
// Which answer to believe, and where redirects lead.
#include <gtest/gtest.h>

#include "unit/redis/topology/topology_stage.hh"

namespace mcpstate::redis {
namespace {

TEST(Topology, RefreshesAfterARedirectAndAfterDoubt) {
  topology_stage s("a");
  s.settle("abc");
  s.move(0, at('b'), 'a');
  EXPECT_EQ(s.asked(), "abc");
  s.calm(view_of("abc", 1));
  s.doubt();
  EXPECT_EQ(s.asked(), "abc");
  s.calm(view_of("abc", 1));
  s.fsm.importing(at('b'), s.now);
  EXPECT_EQ(s.fsm.take_actions().size(), 3u);
}

TEST(Topology, FollowsAFailoverAtTheFirstAnswerOfALaterEpoch) {
  topology_stage s("a");
  s.settle("abc", 5);
  s.lose('b');
  s.seen();
  s.answer('c', view_of("adc", 6));
  EXPECT_EQ(s.seen(), texts({"open d", "close b", "changed 5461-10921"}));
  EXPECT_EQ(s.owner(5461), "d unusable");
}

TEST(Topology, NeverGoesBackToAnOlderMap) {
  topology_stage s("a");
  s.settle("abc", 5);
  s.lose('b');
  s.answer('c', view_of("adc", 6));
  s.ready('d');
  s.calm(view_of("abc", 5));
  EXPECT_EQ(s.owner(5461), "d");
}

TEST(Topology, KeepsARedirectThatIsNewerThanTheMap) {
  topology_stage s("a");
  s.settle("abc");
  s.doubt();
  EXPECT_EQ(s.asked(), "abc");
  s.move(0, at('b'), 'a');  // while the answers are under way
  for (const char each : {'a', 'b', 'c'}) s.answer(each, view_of("abc", 1));
  EXPECT_EQ(s.owner(0), "b");
  EXPECT_EQ(s.owner(1), "a");
  s.calm(view_of("abc", 1));  // asked for later
  EXPECT_EQ(s.owner(0), "a");
}

TEST(Topology, OpensTheNodeOfARedirectThatNoMapHas) {
  topology_stage s("a");
  s.settle("abc");
  const node_id target = s.move(0, at('d'), 'a');
  const texts seen = s.seen();
  EXPECT_EQ(texts(seen.begin(), seen.begin() + 2), texts({"open d", "changed 0-0"}));
  EXPECT_EQ(target, s.node('d'));
  EXPECT_EQ(s.owner(0), "d unusable");
  s.ready('d');
  EXPECT_EQ(s.owner(0), "d");
}

TEST(Topology, NeverOpensMoreNodesThanTheLimitForRedirects) {
  topology_rules rules;
  rules.max_extra = 4;
  topology_stage s("a", rules);
  s.settle("abc");
  for (int i = 0; i < 1000; ++i) s.move(static_cast<std::uint16_t>(i), endpoint("x" + std::to_string(i), 1), 'a');
  EXPECT_EQ(s.fsm.open_nodes(), 3u + 4u);
}

TEST(Topology, NeverBelievesAMapWithMorePrimariesThanTheLimit) {
  topology_rules rules;
  rules.max_primaries = 2;
  topology_stage s("a", rules);
  s.ready('a');
  s.answer('a', view_of("abc", 1));
  EXPECT_EQ(s.fsm.failure()->code(), errc::protocol);
  EXPECT_EQ(s.fsm.open_nodes(), 0u);
}

TEST(Topology, ConnectsAnewToANodeThatNamesItself) {
  topology_stage s("a");
  s.settle("abc");
  const node_id old = s.node('a');
  const node_id target = s.move(0, at('a'), 'a');
  EXPECT_NE(target, old);
  EXPECT_EQ(target, s.node('a'));
  EXPECT_EQ(s.owner(0), "a unusable");
  EXPECT_EQ(s.fsm.place(old), nullptr);
  // Once: it is new already.
  EXPECT_EQ(s.move(0, at('a'), 'a'), target);
}

TEST(Topology, ConnectsAnewToAPrimaryThatBecameAReplica) {
  topology_stage s("a");
  s.settle("abc");
  const node_id old = s.node('b');
  s.fsm.distrust(old, s.now);
  EXPECT_EQ(s.fsm.place(old), nullptr);
  EXPECT_NE(s.fsm.owner(6000), old);
}

TEST(Topology, NeverBelievesAnotherCluster) {
  topology_stage s("a");
  s.settle("abc");
  s.lose('b');
  s.seen();
  s.asked();
  s.answer('a', view_of("xyz", 99, "other-"));
  s.answer('c', view_of("abc", 1));
  EXPECT_EQ(s.owner(0), "a");
  EXPECT_EQ(s.owner(16383), "c");
}

TEST(Topology, GoesToTheClusterThatReplacedTheOldOne) {
  topology_stage s("a");
  s.settle("abc", 9);
  for (const char each : {'a', 'b', 'c'}) s.lose(each);
  EXPECT_NE(s.fsm.failure(), nullptr);
  s.asked();
  s.ready('a', hello(), "new-a");
  EXPECT_EQ(s.asked_within(milliseconds(3000)), "a");
  s.answer('a', view_of("ade", 1, "new-"));
  EXPECT_EQ(s.fsm.known()->epoch, 1u);
  EXPECT_EQ(s.fsm.failure(), nullptr);
}

TEST(Topology, ComesBackBySeedsAndReplicasWhenEveryPrimaryIsGone) {
  topology_stage s("s");
  s.ready('s');
  cluster_view said = view_of("ab", 1);
  said.map.add_replica(node_of('r'));
  s.answer('s', said);
  for (const char each : {'a', 'b'}) s.ready(each);
  s.calm(said);
  s.lose('a');
  s.seen();
  s.lose('b');
  s.wait(milliseconds(3000));
  const texts opened = s.seen();
  EXPECT_NE(std::find(opened.begin(), opened.end(), "open s"), opened.end());
  EXPECT_NE(std::find(opened.begin(), opened.end(), "open r"), opened.end());
  s.ready('r', hello("cluster", "replica"));
  cluster_view promoted = view_of("rb", 2);
  s.answer('r', promoted);
  EXPECT_EQ(s.owner(0), "r");
}

TEST(Topology, FailsNothingWhileAPrimaryCanStillBeUsed) {
  topology_stage s("a");
  s.settle("abc");
  s.lose('a');
  s.lose('b');
  s.asked();
  s.seen();
  s.answer('c', error(errc::auth_failed, "no"));
  s.wait(milliseconds(5000));
  for (const std::string& each : s.seen()) EXPECT_EQ(each.find("fail"), std::string::npos) << each;
  EXPECT_EQ(s.fsm.failure(), nullptr);
}

TEST(Topology, ClosesNodesThatHaveLeftTheMap) {
  topology_stage s("a");
  s.settle("abc", 1);
  s.doubt();
  s.asked();
  s.seen();
  s.answer('a', view_of("ab", 2));
  EXPECT_EQ(s.seen().front(), "close c");
}

TEST(Topology, KnowsNobodyForTheSlotsOfANodeWithoutAnAddress) {
  topology_stage s("a");
  s.ready('a');
  cluster_view said = view_of("ab", 1);
  cluster_node unknown;
  unknown.id = "id-x";
  cluster_map with_unknown;
  with_unknown.assign(slot_range(0, 99), with_unknown.add_primary(node_of('a')));
  with_unknown.assign(slot_range(100, 16383), with_unknown.add_primary(unknown));
  said.map = with_unknown;
  s.answer('a', said);
  EXPECT_EQ(s.owner(99), "a");
  EXPECT_EQ(s.owner(100), "nobody");
}

TEST(Topology, IgnoresWhatClosedNodesSay) {
  topology_stage s("a");
  s.settle("abc", 1);
  const node_id old = s.node('c');
  s.doubt();
  s.answer('a', view_of("ab", 2));
  s.fsm.ready(old, hello(), "id-c", s.now);
  s.fsm.lost(old, refused(), s.now);
  s.fsm.answered(old, view_of("xyz", 9), s.now);
  EXPECT_EQ(s.fsm.known()->epoch, 2u);
}

}  // namespace
}  // namespace mcpstate::redis
