// SPDX-License-Identifier: MIT
#include "redis/topology/topology_fsm.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "unit/redis/topology/maps.hh"

namespace mcpstate::redis {
namespace {

using std::chrono::milliseconds;
using texts = std::vector<std::string>;
using time_point = topology_fsm::time_point;

server_hello hello(std::string mode = "cluster", std::string role = "master") {
  server_hello out;
  out.server = "redis";
  out.version = "7.0.15";
  out.mode = std::move(mode);
  out.role = std::move(role);
  return out;
}

error refused() { return error(errc::connect_failed, "refused"); }

// A topology whose nodes are letters.
class stage {
 public:
  explicit stage(const std::string& seeds, topology_rules rules = {}) : fsm(rules, places(seeds), 1) {
    fsm.start(now);
    collect();
  }

  // The latest connection to a node.
  node_id node(char letter) const { return nodes_.at(letter); }
  void ready(char letter, const server_hello& said = hello(), const std::string& id = "") {
    fsm.ready(node(letter), said, id.empty() ? std::string("id-") + letter : id, now);
    collect();
  }
  void lose(char letter, error why = refused()) {
    fsm.lost(node(letter), std::move(why), now);
    collect();
  }
  void answer(char letter, result<cluster_view> said) {
    fsm.answered(node(letter), std::move(said), now);
    collect();
  }
  node_id move(std::uint16_t slot, std::optional<endpoint> to, char from) {
    const node_id out = fsm.moved(slot, to, node(from), now);
    collect();
    return out;
  }
  void doubt() {
    fsm.doubt(now);
    collect();
  }
  void wait(milliseconds span) {
    const time_point end = now + span;
    while (fsm.next_tick() <= end) {
      now = std::max(now, fsm.next_tick());
      fsm.tick(now);
      collect();
    }
    now = end;
  }
  // What was wanted since the last look.
  texts seen() { return std::exchange(seen_, {}); }
  // The letters of the nodes that were asked since the last look at these.
  std::string asked() {
    std::string out = std::exchange(asked_, {});
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string owner(std::uint16_t slot) const {
    const endpoint* const place = fsm.place(fsm.owner(slot));
    return place == nullptr ? "nobody" : place->host + (fsm.usable(fsm.owner(slot)) ? "" : " unusable");
  }
  // A cluster of these nodes, up and known.
  void settle(const std::string& letters, std::uint64_t epoch = 1) {
    ready(letters[0]);
    answer(letters[0], view_of(letters, epoch));
    for (const char each : letters.substr(1)) ready(each);
    calm(view_of(letters, epoch));
  }
  // Whom the next refresh asks; nobody, if none comes within this time.
  std::string asked_within(milliseconds span) {
    const time_point end = now + span;
    std::string out = asked();
    while (out.empty() && fsm.next_tick() <= end) {
      now = std::max(now, fsm.next_tick());
      fsm.tick(now);
      collect();
      out = asked();
    }
    return out;
  }
  // Answers whoever is asked until nobody is any more.
  void calm(const cluster_view& said) {
    for (int i = 0; i < 20; ++i) {
      for (const char each : asked()) answer(each, cluster_view(said));
      wait(milliseconds(100));
    }
    seen();
  }

  time_point now = time_point() + std::chrono::hours(1);
  topology_fsm fsm;

 private:
  static std::vector<endpoint> places(const std::string& letters) {
    std::vector<endpoint> out;
    for (const char each : letters) out.push_back(at(each));
    return out;
  }
  char letter(node_id node) const { return letters_.at(node); }
  void collect() {
    for (const topology_action& each : fsm.take_actions()) note(each);
  }
  void note(const topology_action& each) {
    switch (each.what) {
      case topology_action::kind::open:
        nodes_[each.at.host[0]] = each.node;
        letters_[each.node] = each.at.host[0];
        return seen_.push_back("open " + each.at.host);
      case topology_action::kind::close:
        return seen_.push_back(std::string("close ") + letter(each.node));
      case topology_action::kind::ask:
        asked_ += letter(each.node);
        return seen_.push_back(std::string("ask ") + letter(each.node));
      case topology_action::kind::changed: {
        std::string text = "changed";
        for (const slot_range& r : each.slots) text += " " + std::to_string(r.first) + "-" + std::to_string(r.last);
        return seen_.push_back(text);
      }
      case topology_action::kind::fail:
        return seen_.push_back("fail " + std::string(name_of(each.why->code())));
    }
  }

  std::map<char, node_id> nodes_;
  std::map<node_id, char> letters_;
  texts seen_;
  std::string asked_;
};

TEST(Topology, AsksTheFirstSeedThatAnswersAndOpensItsPrimaries) {
  stage s("a");
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
  stage s("abcde");
  EXPECT_EQ(s.seen(), texts({"open a", "open b", "open c"}));
  s.lose('b');
  EXPECT_EQ(s.seen(), texts({"close b", "open d"}));
}

TEST(Topology, DoesNotWaitForSeedsThatNeverAnswer) {
  stage s("abcde");
  s.seen();
  s.wait(milliseconds(1000));
  EXPECT_EQ(s.seen(), texts({"open d", "open e"}));
}

TEST(Topology, TellsWhyWhenAllSeedsAreDead) {
  stage s("ab");
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
  stage s("a");
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
  stage s("ab");
  s.seen();
  s.ready('a', hello("sentinel"));
  EXPECT_EQ(s.seen(), texts({"close a"}));
  s.ready('b', hello("standalone"));
  EXPECT_EQ(s.seen(), texts({"close b", "fail unsupported"}));
  EXPECT_EQ(s.fsm.failure()->code(), errc::unsupported);
}

TEST(Topology, TellsOfSeveralReasonsTheOneThatAPersonCanAnswer) {
  stage s("abc");
  s.lose('a', error(errc::auth_failed, "no"));
  s.lose('b');
  s.lose('c', error(errc::deadline, "late"));
  EXPECT_EQ(s.fsm.failure()->code(), errc::auth_failed);
}

TEST(Topology, AsksAReplicaButNeverSendsItRequests) {
  stage s("r");
  s.ready('r', hello("cluster", "replica"));
  EXPECT_EQ(s.asked(), "r");
  cluster_view said = view_of("ab", 1);
  said.map.add_replica(node_of('r'));
  s.answer('r', said);
  EXPECT_EQ(s.seen(), texts({"open r", "ask r", "open a", "open b", "close r", "changed 0-16383"}));
}

TEST(Topology, NeverUsesAPrimaryThatSaysItIsAReplica) {
  stage s("a");
  s.settle("abc");
  s.lose('b');
  s.ready('b', hello("cluster", "slave"));
  EXPECT_EQ(s.owner(6000), "b unusable");
  EXPECT_NE(s.fsm.any_primary(), s.node('b'));
}

TEST(Topology, UsesAReplicaOnceTheMapSaysThatItWasPromoted) {
  stage s("a");
  s.settle("abc");
  s.lose('b');
  s.ready('b', hello("cluster", "replica"));
  s.calm(view_of("abc", 2));
  EXPECT_EQ(s.owner(6000), "b");
}

TEST(Topology, NeverUsesANodeThatIsAnotherThanTheMapSays) {
  stage s("a");
  s.settle("abc");
  s.lose('b');
  s.ready('b', hello(), "id-of-another");
  EXPECT_EQ(s.owner(6000), "b unusable");
}

TEST(Topology, RefreshesWhenAConnectionIsLost) {
  stage s("a");
  s.settle("abc");
  s.lose('b');
  EXPECT_EQ(s.asked(), "ac");
}

TEST(Topology, RefreshesWhenAnAttemptIsRefused) {
  stage s("a");
  s.settle("abc");
  s.lose('b');
  s.calm(view_of("abc", 1));
  s.lose('b');
  EXPECT_EQ(s.asked_within(milliseconds(500)), "ac");
}

TEST(Topology, RefreshesAfterARedirectAndAfterDoubt) {
  stage s("a");
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

TEST(Topology, RefreshesByItselfEachHalfMinute) {
  stage s("a");
  s.settle("abc");
  s.calm(view_of("abc", 1));
  EXPECT_EQ(s.asked_within(milliseconds(20000)), "");
  EXPECT_EQ(s.asked_within(milliseconds(36000)).size(), 1u);
}

TEST(Topology, AsksOthersWhenOneSaysSomethingNew) {
  stage s("a");
  s.settle("abc");
  const std::string first = s.asked_within(milliseconds(40000));
  ASSERT_EQ(first.size(), 1u);
  s.answer(first[0], view_of("abd", 1));
  EXPECT_EQ(s.asked().size(), 2u);
  EXPECT_EQ(s.owner(16383), "c");
}

TEST(Topology, MakesOneRefreshOfManyDoubts) {
  stage s("a");
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
  stage s("a");
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

TEST(Topology, FollowsAFailoverAtTheFirstAnswerOfALaterEpoch) {
  stage s("a");
  s.settle("abc", 5);
  s.lose('b');
  s.seen();
  s.answer('c', view_of("adc", 6));
  EXPECT_EQ(s.seen(), texts({"open d", "close b", "changed 5461-10921"}));
  EXPECT_EQ(s.owner(5461), "d unusable");
}

TEST(Topology, NeverGoesBackToAnOlderMap) {
  stage s("a");
  s.settle("abc", 5);
  s.lose('b');
  s.answer('c', view_of("adc", 6));
  s.ready('d');
  s.calm(view_of("abc", 5));
  EXPECT_EQ(s.owner(5461), "d");
}

TEST(Topology, KeepsARedirectThatIsNewerThanTheMap) {
  stage s("a");
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
  stage s("a");
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
  stage s("a", rules);
  s.settle("abc");
  for (int i = 0; i < 1000; ++i) s.move(static_cast<std::uint16_t>(i), endpoint("x" + std::to_string(i), 1), 'a');
  EXPECT_EQ(s.fsm.open_nodes(), 3u + 4u);
}

TEST(Topology, NeverBelievesAMapWithMorePrimariesThanTheLimit) {
  topology_rules rules;
  rules.max_primaries = 2;
  stage s("a", rules);
  s.ready('a');
  s.answer('a', view_of("abc", 1));
  EXPECT_EQ(s.fsm.failure()->code(), errc::protocol);
  EXPECT_EQ(s.fsm.open_nodes(), 0u);
}

TEST(Topology, ConnectsAnewToANodeThatNamesItself) {
  stage s("a");
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
  stage s("a");
  s.settle("abc");
  const node_id old = s.node('b');
  s.fsm.distrust(old, s.now);
  EXPECT_EQ(s.fsm.place(old), nullptr);
  EXPECT_NE(s.fsm.owner(6000), old);
}

TEST(Topology, PassesOverANodeThatHangs) {
  stage s("a");
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
  stage s("a");
  s.settle("abcdef");
  s.doubt();
  const std::string first = s.asked();
  s.wait(milliseconds(1000));
  const std::string next = s.asked();
  ASSERT_EQ(next.size(), 3u);
  for (const char each : next) EXPECT_EQ(first.find(each), std::string::npos);
}

TEST(Topology, NeverBelievesAnotherCluster) {
  stage s("a");
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
  stage s("a");
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
  stage s("s");
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
  stage s("a");
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
  stage s("a");
  s.settle("abc", 1);
  s.doubt();
  s.asked();
  s.seen();
  s.answer('a', view_of("ab", 2));
  EXPECT_EQ(s.seen().front(), "close c");
}

TEST(Topology, KnowsNobodyForTheSlotsOfANodeWithoutAnAddress) {
  stage s("a");
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
  stage s("a");
  s.settle("abc", 1);
  const node_id old = s.node('c');
  s.doubt();
  s.answer('a', view_of("ab", 2));
  s.fsm.ready(old, hello(), "id-c", s.now);
  s.fsm.lost(old, refused(), s.now);
  s.fsm.answered(old, view_of("xyz", 9), s.now);
  EXPECT_EQ(s.fsm.known()->epoch, 2u);
}

TEST(Topology, SpreadsWhatAnyNodeCanDo) {
  stage s("a");
  s.settle("abc");
  std::map<node_id, int> used;
  for (int i = 0; i < 30; ++i) ++used[s.fsm.any_primary()];
  EXPECT_EQ(used.size(), 3u);
  for (const auto& [node, times] : used) EXPECT_EQ(times, 10);
}

}  // namespace
}  // namespace mcpstate::redis
