// SPDX-License-Identifier: MIT
// Where each unit goes, case by case: a cluster of three nodes that are played.
#include <gtest/gtest.h>

#include "unit/redis/topology/router_stage.hh"

namespace mcpstate::redis {
namespace {

TEST(Router, SendsEachUnitToTheNodeOfItsSlot) {
  known_cluster s;
  const unit_id first = s.write(0), second = s.read(4), third = s.write(7);
  s.run();
  EXPECT_EQ(s.outcome(first), "done 1");
  EXPECT_EQ(s.outcome(second), "done 2");
  EXPECT_EQ(s.outcome(third), "done 3");
  EXPECT_EQ(s.sends(first) + s.sends(second) + s.sends(third), 3u);
}

TEST(Router, WaitsForTheFirstMap) {
  router_stage s("abc", three, "a");
  const unit_id unit = s.write(4);
  EXPECT_EQ(s.outcome(unit), "waits");
  s.run();
  EXPECT_EQ(s.outcome(unit), "done 1");
}

TEST(Router, FailsAtOnceWhenNoSeedCanBeReached) {
  router_stage s("", three, "xy");
  const unit_id early = s.write(0);
  for (const node_id each : s.open()) s.connect(each);
  EXPECT_EQ(s.outcome(early), "connect_failed");
  EXPECT_EQ(s.outcome(s.read(0)), "connect_failed");
}

TEST(Router, SaysWhenASeedIsNoNodeOfACluster) {
  router_stage s("a", three, "a");
  const unit_id unit = s.read(0);
  server_hello hello;
  hello.mode = "sentinel";
  s.routing.node_ready(s.open().front(), hello, "", s.now);
  std::vector<router_action> actions;
  s.routing.take_actions(actions);
  const auto failed = std::find_if(actions.begin(), actions.end(),
                                   [](const router_action& each) { return std::holds_alternative<unit_failed>(each); });
  ASSERT_NE(failed, actions.end());
  EXPECT_EQ(std::get<unit_failed>(*failed).unit, unit);
  EXPECT_EQ(std::get<unit_failed>(*failed).why.code(), errc::unsupported);
}

TEST(Router, FollowsMovedAndKeepsIt) {
  known_cluster s;
  s.configure("baabbbcc");
  const unit_id first = s.write(0);
  EXPECT_TRUE(s.deliver(s.to('a').front()));
  EXPECT_EQ(s.sends(first), 2u);
  const unit_id second = s.write(0);
  s.run();
  EXPECT_EQ(s.outcome(first), "done 1");
  EXPECT_EQ(s.outcome(second), "done 2");
  EXPECT_EQ(s.sends(second), 1u);
}

TEST(Router, OpensTheNodeThatMovedNames) {
  known_cluster s;
  s.configure("daabbbcc");
  const unit_id unit = s.write(0);
  s.run();
  EXPECT_EQ(s.outcome(unit), "done 1");
  EXPECT_EQ(s.times_run(unit), 1);
}

TEST(Router, ConnectsAnewToANodeThatNamesItselfAndSendsAgain) {
  known_cluster s;
  const node_id old = s.to('a').front();
  s.node('a').always = "MOVED 0 a:1";
  const unit_id unit = s.write(0);
  s.deliver(old);
  s.node('a').always.clear();
  EXPECT_NE(s.to('a').back(), old);
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "done 1");
}

TEST(Router, TakesARedirectWithoutAHostForTheSameHost) {
  known_cluster s;
  const node_id a = s.to('a').front();
  s.node('a').always = "MOVED 0 :1";  // on the host a: itself
  const unit_id unit = s.write(0);
  s.deliver(a);
  s.node('a').always.clear();
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "done 1");
}

TEST(Router, AsksTheTargetOfAskOnlyForThisOnce) {
  known_cluster s;
  s.node('a').migrating[0] = 'b';
  s.node('b').importing[0] = 'a';
  s.cluster.moved[0] = {0};
  const unit_id unit = s.write(0);
  s.deliver(s.to('a').front());
  s.run();
  EXPECT_EQ(s.outcome(unit), "done 1");
  EXPECT_EQ(s.sends(unit), 2u);
  const unit_id next = s.submit({s.command(0, {5})}, effect::write);  // a key that is still at home
  EXPECT_EQ(s.connections.at(s.to('a').front()).queue.back().unit, next);
  s.run();
  EXPECT_EQ(s.outcome(next), "done 2");
}

TEST(Router, SendsOnlyTheCommandsAfterAskWithAsking) {
  known_cluster s;
  s.node('a').migrating[0] = 'b';
  s.node('b').importing[0] = 'a';
  s.cluster.moved[0] = {7};
  const unit_id unit = s.submit({s.command(0, {1}), s.command(0, {7}), s.command(0, {2})}, effect::write);
  s.run();
  EXPECT_EQ(s.outcome(unit), "done 1 2 3");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(s.times_run(unit, i), 1);
}

TEST(Router, ComesBackFromAnAskWhoseTargetIsDead) {
  known_cluster s;
  s.node('a').migrating[0] = 'd';
  s.cluster.moved[0] = {0};
  s.node('d').up = false;
  const unit_id unit = s.write(0);
  s.deliver(s.to('a').front());
  s.node('a').migrating.clear();  // the move was given up
  s.cluster.moved.clear();
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "done 1");
}

TEST(Router, WaitsWhileTheKeysOfACommandLieOnTwoNodes) {
  known_cluster s;
  s.node('a').migrating[0] = 'b';
  s.node('b').importing[0] = 'a';
  s.cluster.moved[0] = {1};
  const unit_id unit = s.submit({s.command(0, {1, 2})}, effect::write);
  for (int i = 0; i < 20; ++i) {
    s.run();
    s.wait(milliseconds(100));
  }
  EXPECT_EQ(s.outcome(unit), "waits");
  s.cluster.moved[0] = {1, 2};
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "done 1");
}

TEST(Router, WaitsWhileNobodyServesASlot) {
  known_cluster s;
  s.configure("-aabbbcc");
  const unit_id unit = s.write(0);
  for (int i = 0; i < 10; ++i) {
    s.run();
    s.wait(milliseconds(100));
  }
  EXPECT_EQ(s.outcome(unit), "waits");
  s.configure("caabbbcc");
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "done 1");
}

TEST(Router, WaitsForARefusalThatWillPass) {
  for (const char* text : {"CLUSTERDOWN The cluster is down", "LOADING x", "MASTERDOWN x", "BUSY x", "READONLY x",
                           "ERR max number of clients reached"}) {
    known_cluster s;
    s.node('b').always = text;
    const unit_id unit = s.write(4);
    for (int i = 0; i < 10; ++i) {
      s.run();
      s.wait(milliseconds(100));
    }
    EXPECT_EQ(s.outcome(unit), "waits") << text;
    EXPECT_LE(s.sends(unit), 12u) << text;
    s.node('b').always.clear();
    s.run_until_ended(unit);
    EXPECT_EQ(s.outcome(unit), "done 1") << text;
  }
}

TEST(Router, HandsOnErrorsAboutTheCommandItself) {
  for (const char* text :
       {"NOREPLICAS Not enough good replicas to write.", "OOM x", "NOPERM x", "NOSCRIPT x", "WRONGTYPE x"}) {
    known_cluster s;
    s.node('b').always = text;
    const unit_id unit = s.write(4);
    s.run();
    EXPECT_EQ(s.outcome(unit), std::string("done ") + text);
    EXPECT_EQ(s.sends(unit), 1u);
  }
}

TEST(Router, TakesKeysOfTwoSlotsForABug) {
  known_cluster s;
  s.node('b').always = "CROSSSLOT Keys in request don't hash to the same slot";
  const unit_id unit = s.write(4);
  s.run();
  EXPECT_EQ(s.outcome(unit), "bug");
}

TEST(Router, SendsUnitsWithoutASlotToAnyPrimary) {
  known_cluster s;
  std::map<char, int> used;
  for (int i = 0; i < 9; ++i) {
    s.routing.submit(unit_shape(1, effect::read, false), std::nullopt, s.now + milliseconds(100), s.now);
    std::vector<router_action> actions;
    s.routing.take_actions(actions);
    ASSERT_EQ(actions.size(), 1u);
    ++used[s.connections.at(std::get<unit_send>(actions.front()).node).letter];
  }
  EXPECT_EQ(used, (std::map<char, int>{{'a', 3}, {'b', 3}, {'c', 3}}));
}

}  // namespace
}  // namespace mcpstate::redis
