// SPDX-License-Identifier: MIT
// How units end that are lost, refused for long, or late.
#include <gtest/gtest.h>

#include "unit/redis/topology/router_stage.hh"

namespace mcpstate::redis {
namespace {

using verb = fake_command::verb;

TEST(Router, AnswersTheRepliesOfAUnitInOrder) {
  known_cluster s;
  const unit_id unit = s.submit({s.command(0), s.command(0), s.command(0)}, effect::write);
  s.run();
  EXPECT_EQ(s.outcome(unit), "done 1 2 3");
}

TEST(Router, NeverFollowsRedirectsInACircleForEver) {
  known_cluster s;
  s.node('a').always = "MOVED 0 b:1";
  s.node('b').always = "MOVED 0 a:1";
  const unit_id unit = s.write(0, std::chrono::hours(1));
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "connection_lost");
  EXPECT_EQ(s.sends(unit), 17u);
}

TEST(Router, NeverSendsAnywhereForARedirectWithoutATarget) {
  for (const char* text : {"MOVED 0 ?:6379", "MOVED 0", "MOVED 99999 b:1"}) {
    known_cluster s;
    s.node('a').always = text;
    const unit_id unit = s.write(0);
    s.deliver(s.to('a').front());
    EXPECT_EQ(s.outcome(unit), "waits");
    s.node('a').always.clear();
    s.run_until_ended(unit);
    EXPECT_EQ(s.times_run(unit), 1) << text;
  }
}

TEST(Router, SaysThatTheSlotIsBeingMovedWhenItNeverEnds) {
  known_cluster s;
  s.node('a').always = "TRYAGAIN Multiple keys request during rehashing of slot";
  const unit_id unit = s.write(0, milliseconds(300));
  const router_stage::time_point begin = s.now;
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "server_error");
  EXPECT_TRUE(s.callers.at(unit).why->is(cond::unavailable));
  EXPECT_NE(s.callers.at(unit).why->detail().find("being moved"), std::string::npos);
  EXPECT_GE(s.now, begin + milliseconds(300));
  EXPECT_LE(s.sends(unit), 30u);
}

TEST(Router, NeverHurtsOtherSlotsWhileOneIsDown) {
  known_cluster s;
  s.configure("-aabbbcc");
  s.crash('b');
  const unit_id hole = s.write(0), dead = s.write(4), good = s.write(7), also = s.read(1);
  s.run();
  EXPECT_EQ(s.outcome(good), "done 3");
  EXPECT_EQ(s.outcome(also), "done 4");
  EXPECT_EQ(s.outcome(hole), "waits");
  EXPECT_EQ(s.outcome(dead), "waits");
}

TEST(Router, TellsTheRefusalWhenTheDeadlineEndsIt) {
  const std::pair<const char*, const char*> cases[] = {
      {"LOADING x", "loading"}, {"READONLY x", "read_only"}, {"CLUSTERDOWN x", "server_error"}, {"BUSY x", "server_error"}};
  for (const auto& [text, code] : cases) {
    known_cluster s;
    s.node('b').always = text;
    const unit_id unit = s.write(4, milliseconds(700));
    s.run_until_ended(unit);
    EXPECT_EQ(s.outcome(unit), code) << text;
    EXPECT_EQ(s.times_run(unit), 0);
  }
}

TEST(Router, NeverRepeatsAScriptThatLostItsSlot) {
  known_cluster s;
  s.node('b').always = "ERR Script attempted to access a non local key in a cluster node script: 1, on @user_script:1.";
  const unit_id write = s.write(4), read = s.read(4);
  s.run();
  EXPECT_EQ(s.outcome(write), "outcome_unknown");
  EXPECT_EQ(s.sends(write), 1u);
  EXPECT_EQ(s.outcome(read), "waits");
  s.node('b').always.clear();
  s.run_until_ended(read);
  EXPECT_EQ(s.outcome(read), "done 2");
}

TEST(Router, NeverSendsAWriteAgainThatWasLost) {
  for (const std::size_t taken : {std::size_t{0}, std::size_t{1}}) {
    known_cluster s;
    const unit_id unit = s.write(4);
    s.cut(s.to('b').front(), taken);
    s.run();
    EXPECT_EQ(s.outcome(unit), "outcome_unknown");
    EXPECT_EQ(s.times_run(unit), static_cast<int>(taken));
  }
}

TEST(Router, SendsAReadAgainOnceThatWasLost) {
  known_cluster s;
  const unit_id unit = s.read(4);
  s.cut(s.to('b').front(), 1);
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "done 1");
  const unit_id poison = s.read(4);
  s.cut(s.to('b').front(), 1);
  while (s.sends(poison) < 2) {
    s.run_until_ended(s.write(0));
    for (const node_id each : s.open()) s.connect(each);
    s.wait(milliseconds(10));
  }
  s.cut(s.to('b').front(), 1);
  EXPECT_EQ(s.outcome(poison), "connection_lost");
}

TEST(Router, SendsAWriteAgainThatWasNotSent) {
  known_cluster s;
  const unit_id unit = s.write(4);
  s.connections.at(s.to('b').front()).queue.clear();
  s.routing.failed(unit, error(errc::connection_lost, "it had not been written"), s.now);
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "done 1");
  EXPECT_EQ(s.times_run(unit), 1);
}

TEST(Router, FollowsAFailover) {
  known_cluster s;
  s.crash('b');
  const unit_id unit = s.write(4, milliseconds(10000));
  for (int i = 0; i < 20; ++i) {
    s.run();
    for (const node_id each : s.to('b')) s.connect(each);
    s.wait(milliseconds(100));
  }
  EXPECT_EQ(s.outcome(unit), "waits");
  s.configure("aaadddcc");
  const router_stage::time_point promoted = s.now;
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "done 1");
  EXPECT_LE(s.now - promoted, milliseconds(1000));
}

TEST(Router, FollowsAFailoverOfANodeThatHangs) {
  known_cluster s;
  s.node('b').hanging = true;
  const unit_id stuck = s.write(4, milliseconds(2000));
  s.configure("aaadddcc");
  s.run_until_ended(stuck);
  EXPECT_EQ(s.outcome(stuck), "outcome_unknown");
  s.run();  // silence has cast doubt on the map
  const unit_id next = s.write(4);
  s.run_until_ended(next);
  EXPECT_EQ(s.outcome(next), "done 2");
}

TEST(Router, RepeatsATransactionAsAWhole) {
  known_cluster s;
  s.configure("baabbbcc");
  const unit_id unit = s.submit({s.word(verb::multi, 0), s.command(0), s.command(0), s.word(verb::exec, 0)}, effect::write);
  s.run_until_ended(unit);
  ASSERT_TRUE(s.callers.at(unit).answers);
  EXPECT_EQ(s.callers.at(unit).answers->back().items.size(), 2u);
  EXPECT_EQ(s.times_run(unit, 1), 1);
  EXPECT_EQ(s.times_run(unit, 2), 1);
}

TEST(Router, SendsATransactionToTheTargetOfAsk) {
  known_cluster s;
  s.node('a').migrating[0] = 'b';
  s.node('b').importing[0] = 'a';
  s.cluster.moved[0] = {0};
  const unit_id unit = s.submit({s.word(verb::multi, 0), s.command(0), s.word(verb::exec, 0)}, effect::write);
  s.run_until_ended(unit);
  ASSERT_TRUE(s.callers.at(unit).answers);
  EXPECT_EQ(s.times_run(unit, 1), 1);
}

TEST(Router, SaysUnknownWhenAPartOfAWriteRanAndTheRestNeverDid) {
  known_cluster s;
  s.node('a').migrating[0] = 'b';
  s.cluster.moved[0] = {7};  // and b does not import: it says MOVED a, for ever
  const unit_id unit = s.submit({s.command(0, {1}), s.command(0, {7})}, effect::write, milliseconds(500));
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "outcome_unknown");
  EXPECT_EQ(s.times_run(unit, 0), 1);
  EXPECT_EQ(s.times_run(unit, 1), 0);
}

TEST(Router, EndsAUnitAtItsDeadlineThatNobodyTook) {
  known_cluster s;
  s.crash('b');
  const unit_id unit = s.write(4, milliseconds(400));
  const router_stage::time_point begin = s.now;
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "deadline");
  EXPECT_EQ(s.now, begin + milliseconds(400));
}

TEST(Router, NeverLetsMoreWaitThanTheLimit) {
  router_rules rules;
  rules.max_waiting = 3;
  known_cluster s(rules);
  s.crash('b');
  std::vector<unit_id> units;
  for (int i = 0; i < 5; ++i) units.push_back(s.write(4));
  EXPECT_EQ(s.outcome(units[2]), "waits");
  EXPECT_EQ(s.outcome(units[3]), "queue_full");
  EXPECT_EQ(s.outcome(s.write(0)), "waits");  // sent; not answered yet
  s.run();
  EXPECT_EQ(s.routing.waiting(), 3u);
}

TEST(Router, ReleasesUnitsOfASlotInTheOrderInWhichTheyCame) {
  known_cluster s;
  s.crash('b');
  std::vector<unit_id> units, sent;
  for (int i = 0; i < 20; ++i) units.push_back(s.write(4));
  s.on_send = [&](const unit_send& send, const router_stage::caller&) { sent.push_back(send.unit); };
  s.node('b').up = true;
  s.run();
  EXPECT_EQ(sent, units);
}

TEST(Router, WithdrawsACancelledUnit) {
  known_cluster s;
  s.crash('b');
  const unit_id waiting = s.write(4), sent = s.write(0), read = s.read(0);
  for (const unit_id each : {waiting, sent, read}) s.routing.cancel(each);
  s.run();
  EXPECT_EQ(s.outcome(waiting), "stopped");
  EXPECT_EQ(s.outcome(sent), "outcome_unknown");
  EXPECT_EQ(s.outcome(read), "stopped");
  EXPECT_EQ(s.routing.units(), 0u);
}

TEST(Router, EndsEverythingThatWaitsWhenItStops) {
  known_cluster s;
  s.crash('b');
  const unit_id waiting = s.write(4);
  s.routing.stop();
  s.run();
  EXPECT_EQ(s.outcome(waiting), "stopped");
  EXPECT_EQ(s.outcome(s.write(0)), "stopped");
}

TEST(Router, GivesEachUnitOfABatchItsOwnFate) {
  known_cluster s;
  s.crash('b');
  s.node('c').always = "WRONGTYPE x";
  const unit_id good = s.read(0), lost = s.read(4, milliseconds(300)), wrong = s.read(7);
  s.run_until_ended(lost);
  EXPECT_EQ(s.outcome(good), "done 1");
  EXPECT_EQ(s.outcome(lost), "deadline");
  EXPECT_EQ(s.outcome(wrong), "done WRONGTYPE x");
}

TEST(Router, LetsANodeThatLeftAnswerWhatItOwes) {
  known_cluster s;
  const unit_id unit = s.write(7);
  s.configure("aaabbbbb");
  const unit_id other = s.write(0);
  s.routing.failed(other, error(errc::deadline, "late"), s.now);  // casts doubt
  for (const char each : {'a', 'b'}) {
    while (s.deliver(s.to(each).front())) {
    }
  }
  ASSERT_FALSE(s.to('c').empty());
  EXPECT_TRUE(s.connections.at(s.to('c').front()).closed);
  s.run_until_ended(unit);
  EXPECT_EQ(s.outcome(unit), "done 1");
}

TEST(Router, IgnoresWhatComesAfterTheEnd) {
  known_cluster s;
  const unit_id unit = s.write(0);
  s.run();
  s.routing.replied(unit, {reply()}, s.now);
  s.routing.failed(unit, error(errc::connection_lost, "late"), s.now);
  s.routing.cancel(unit);
  std::vector<router_action> actions;
  s.routing.take_actions(actions);
  EXPECT_TRUE(actions.empty());
}

TEST(Router, EndsAUnitWhoseRepliesWereCountedWrongly) {
  known_cluster s;
  const unit_id unit = s.write(0);
  s.connections.at(s.to('a').front()).queue.clear();
  s.routing.replied(unit, {}, s.now);
  s.run();
  s.wait(milliseconds(1));
  EXPECT_EQ(s.outcome(unit), "bug");
}

}  // namespace
}  // namespace mcpstate::redis
