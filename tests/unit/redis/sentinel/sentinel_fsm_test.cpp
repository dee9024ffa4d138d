// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>

#include "unit/redis/sentinel/sentinel_stage.hh"

namespace mcpstate::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

error no_such_name() { return error(errc::unsupported, "knows no primary of this name"); }

TEST(SentinelFsm, TakesWhatAMajoritySaysAtOnce) {
  sentinel_stage s("xyz", "xyz");
  s.start();
  EXPECT_EQ(s.target(), 'a');
  EXPECT_EQ(s.fsm.epoch(), 1u);
  EXPECT_EQ(s.confirmed_since(), milliseconds(0));
  EXPECT_EQ(s.fsm.down_after(), milliseconds(1000));
}

TEST(SentinelFsm, LearnsTheOthersFromOne) {
  sentinel_stage s("xyz", "y");
  s.start();
  EXPECT_EQ(s.target(), '-');  // one of three
  s.wait(milliseconds(299));
  EXPECT_EQ(s.target(), '-');
  s.wait(milliseconds(1));
  EXPECT_EQ(s.target(), 'a');
  s.wait(milliseconds(2200));
  EXPECT_EQ(s.open(), "xyz");
  EXPECT_LE(s.confirmed_since(), milliseconds(1100));
  EXPECT_GE(s.confirmed_since(), milliseconds(0));
}

TEST(SentinelFsm, NeedsOneSentinelOfSeveralSeedsAndBelievesItAfterItsPatience) {
  sentinel_stage s("xyz", "qxr");
  s.sentinels.at('y').up = s.sentinels.at('z').up = false;
  s.start();
  s.wait(milliseconds(300));
  EXPECT_EQ(s.target(), 'a');
  EXPECT_EQ(s.fsm.failure(), nullptr);
  s.wait(seconds(5));
  EXPECT_EQ(s.confirmed_since(), milliseconds(-1));  // one of three never confirms
}

TEST(SentinelFsm, PrefersAMajorityToAStaleSentinelThatAnswersFirst) {
  sentinel_stage s("xyz", "xyz");
  s.by_hand = true;
  s.promote("yz", 'b', 2);
  s.start();
  s.deliver(0);  // x: a, 1
  s.run();
  s.wait(milliseconds(100));
  EXPECT_EQ(s.target(), '-');
  s.deliver_all();
  s.run();
  EXPECT_EQ(s.target(), 'b');
}

TEST(SentinelFsm, RefusesAStaleSentinelThatIsAlone) {
  sentinel_stage s("xyz", "xyz");
  s.promote("xyz", 'b', 5);
  s.start();
  EXPECT_EQ(s.target(), 'b');
  s.promote("x", 'a', 4);
  s.crash('y');
  s.crash('z');
  s.wait(seconds(60));
  EXPECT_EQ(s.target(), 'b');
  EXPECT_EQ(s.targets.size(), 1u);
  s.revive('y');
  s.revive('z');
  s.wait(seconds(2));
  EXPECT_EQ(s.target(), 'b');
  EXPECT_GE(s.confirmed_since(), milliseconds(0));
}

TEST(SentinelFsm, LeavesTheOldPrimaryWhenOneSentinelTellsTheSwitch) {
  sentinel_stage s("xyz", "xyz");
  s.start();
  s.wait(seconds(1));
  s.by_hand = true;
  s.promote("xy", 'b', 2);
  s.push_switch('y', 'a', 'b');
  s.run();
  EXPECT_EQ(s.target(), '-');
  s.deliver_all();
  s.run();
  EXPECT_EQ(s.target(), 'b');
  EXPECT_EQ(s.fsm.epoch(), 2u);
  EXPECT_EQ(std::string(s.targets.begin(), s.targets.end()), "a-b");
}

TEST(SentinelFsm, DoesNotCountWhatWasAskedBeforeTheSwitch) {
  sentinel_stage s("xyz", "xyz");
  s.start();
  s.by_hand = true;
  s.fsm.doubt(s.now += milliseconds(150));
  s.run();
  ASSERT_EQ(s.asked.size(), 3u);
  const auto old_views = std::map<char, sentinel_view>{{'x', s.view_of('x')}, {'y', s.view_of('y')}, {'z', s.view_of('z')}};
  s.now += milliseconds(1);
  s.promote("xyz", 'b', 2);
  s.push_switch('x', 'a', 'b');
  // The answers that were on their way still say a.
  for (const sentinel_id each : std::exchange(s.asked, {})) {
    s.fsm.answered(each, old_views.at(s.connections.at(each)), s.now);
  }
  s.run();
  EXPECT_EQ(s.target(), '-');
  s.deliver_all();
  s.run();
  EXPECT_EQ(s.target(), 'b');
}

TEST(SentinelFsm, ReturnsWhenASwitchWasToldByAStaleSentinel) {
  sentinel_stage s("xyz", "xyz");
  s.promote("xyz", 'a', 5);
  s.start();
  s.promote("x", 'b', 3);
  s.push_switch('x', 'a', 'b');
  s.run();
  EXPECT_EQ(s.target(), 'a');  // y and z say so, and x is older
  EXPECT_EQ(s.fsm.epoch(), 5u);
}

TEST(SentinelFsm, IgnoresASwitchBetweenOtherServers) {
  sentinel_stage s("xyz", "xyz");
  s.start();
  s.push_switch('x', 'b', 'c');
  s.push_switch('y', 'b', 'a');
  s.run();
  EXPECT_EQ(s.target(), 'a');
  EXPECT_EQ(s.targets.size(), 1u);
}

TEST(SentinelFsm, FollowsAMajorityWithoutAnyPush) {
  sentinel_stage s("xyz", "xyz");
  s.start();
  s.promote("x", 'b', 2);
  s.wait(seconds(2));
  EXPECT_EQ(s.target(), 'a');  // one alone decides nothing
  EXPECT_GE(s.confirmed_since(), milliseconds(0));
  s.promote("xy", 'b', 2);
  s.wait(milliseconds(1100));
  EXPECT_EQ(s.target(), 'b');
  EXPECT_LE(s.confirmed_since(), milliseconds(1100));
}

TEST(SentinelFsm, AsksMoreOftenWhileSomebodyWaits) {
  sentinel_stage s("xyz", "xyz");
  s.start();
  s.wait(milliseconds(500));
  s.fsm.set_unserved(true, s.now);
  s.run();
  EXPECT_LE(s.fsm.next_tick() - s.now, milliseconds(300));
  s.wait(seconds(2));
  EXPECT_LE(s.fsm.next_tick() - s.now, milliseconds(300));
  s.promote("xyz", 'b', 2);
  s.wait(milliseconds(300));
  EXPECT_EQ(s.target(), 'b');
  s.fsm.set_unserved(false, s.now);
  s.wait(milliseconds(300));
  const auto next = s.fsm.next_tick();
  s.wait(std::chrono::duration_cast<milliseconds>(next - s.now));
  EXPECT_GE(s.fsm.next_tick() - next, milliseconds(299));  // a third of down-after, less a tenth
}

TEST(SentinelFsm, ConfirmsThePrimaryWellBeforeSentinelsWouldGiveItUp) {
  sentinel_stage s("xyz", "xyz");
  s.start();
  milliseconds longest(0);
  for (int i = 0; i < 2000; ++i) {
    s.wait(milliseconds(7));
    ASSERT_GE(s.confirmed_since(), milliseconds(0));
    longest = std::max(longest, s.confirmed_since());
  }
  EXPECT_LE(longest, s.fsm.down_after() / 2);
}

TEST(SentinelFsm, IsNotConfirmedByThoseWhoCallThePrimaryDownOrReplaceIt) {
  sentinel_stage s("xyz", "xyz");
  s.start();
  s.sentinels.at('x').down = true;
  s.wait(milliseconds(1500));
  EXPECT_LE(s.confirmed_since(), milliseconds(1100));
  s.sentinels.at('y').failing_over = true;
  s.wait(seconds(4));
  EXPECT_EQ(s.confirmed_since(), milliseconds(-1));
  EXPECT_EQ(s.target(), 'a');
}

TEST(SentinelFsm, IsNotConfirmedByFewerThanAMajorityOfAllThatThereAre) {
  sentinel_stage s("vwxyz", "xyz");
  s.start();
  s.crash('v');
  s.crash('w');
  s.wait(seconds(4));
  EXPECT_LE(s.confirmed_since(), milliseconds(1100));
  s.crash('x');
  s.wait(seconds(4));
  EXPECT_TRUE(s.confirmed_since() >= milliseconds(3900)) << s.confirmed_since().count();
}

TEST(SentinelFsm, GivesASentinelWithTwoNamesOneVote) {
  sentinel_stage s("xyz", "xyz");
  // q is x by another name.
  s.sentinels['q'] = s.sentinels.at('x');
  sentinel_fsm fsm(sentinel_rules{}, {sentinel_at('x'), sentinel_at('q')}, 1);
  fsm.start(s.now);
  auto opened = fsm.take_actions();
  ASSERT_EQ(opened.size(), 2u);
  for (const auto& each : opened) fsm.ready(each.on, s.now);
  for (const auto& each : opened) fsm.answered(each.on, s.view_of('x'), s.now);
  EXPECT_EQ(fsm.target(), nullptr);  // one of three
  EXPECT_FALSE(fsm.confirmed_at());
}

TEST(SentinelFsm, SaysWhatIsWrongWhenNobodyKnowsTheName) {
  sentinel_stage s("xyz", "xy");
  s.sentinels.at('x').refusal = s.sentinels.at('y').refusal = no_such_name();
  s.start();
  ASSERT_NE(s.fsm.failure(), nullptr);
  EXPECT_EQ(s.fsm.failure()->code(), errc::unsupported);
  EXPECT_NE(s.fsm.failure()->detail().find("knows no primary"), std::string::npos);
  s.sentinels.at('x').refusal.reset();
  s.wait(milliseconds(700));
  EXPECT_EQ(s.fsm.failure(), nullptr);
  EXPECT_EQ(s.target(), 'a');
}

TEST(SentinelFsm, SaysTheMostUsefulReason) {
  sentinel_stage s("xyz", "xyz");
  s.sentinels.at('x').up = false;
  s.sentinels.at('y').refusal = error(errc::auth_failed, "the server asks for a password");
  s.sentinels.at('z').refusal = error(errc::loading, "not yet");
  s.start();
  ASSERT_NE(s.fsm.failure(), nullptr);
  EXPECT_EQ(s.fsm.failure()->code(), errc::auth_failed);
}

TEST(SentinelFsm, FailsWhenAllAreDeadAndRecoversWithTheFirst) {
  sentinel_stage s("xyz", "xyz");
  for (const char each : {'x', 'y', 'z'}) s.sentinels.at(each).up = false;
  s.start();
  ASSERT_NE(s.fsm.failure(), nullptr);
  EXPECT_EQ(s.fsm.failure()->code(), errc::connect_failed);
  s.revive('y');
  s.run();
  EXPECT_EQ(s.fsm.failure(), nullptr);
  s.wait(milliseconds(300));
  EXPECT_EQ(s.target(), 'a');
}

TEST(SentinelFsm, KeepsTheTargetWhenAllSentinelsDie) {
  sentinel_stage s("xyz", "xyz");
  s.start();
  for (const char each : {'x', 'y', 'z'}) s.crash(each);
  s.wait(seconds(30));
  EXPECT_EQ(s.target(), 'a');
  ASSERT_NE(s.fsm.failure(), nullptr);  // for those whose connection to the primary is lost
  EXPECT_GE(s.confirmed_since(), seconds(29));
}

TEST(SentinelFsm, PassesASilentSentinelOver) {
  sentinel_stage s("xyz", "xyz");
  s.sentinels.at('x').silent = true;
  s.start();
  EXPECT_EQ(s.target(), 'a');
  s.sentinels.at('y').silent = s.sentinels.at('z').silent = true;
  s.wait(seconds(1));
  s.time_out_silent();
  EXPECT_EQ(s.target(), 'a');
}

TEST(SentinelFsm, BelievesAnOlderConfigurationWhenAMajorityRepeatsItForLong) {
  sentinel_stage s("xyz", "xyz");
  s.promote("xyz", 'b', 7);
  s.start();
  s.promote("xyz", 'a', 0);  // SENTINEL REMOVE and MONITOR
  s.wait(seconds(9));
  EXPECT_EQ(s.target(), 'b');
  s.wait(seconds(3));
  EXPECT_EQ(s.target(), 'a');
  EXPECT_EQ(s.fsm.epoch(), 0u);
}

TEST(SentinelFsm, OpensNoMoreSentinelsThanItMay) {
  sentinel_rules rules;
  rules.max_sentinels = 4;
  sentinel_stage s("abcdefgh", "a", 1, rules);
  s.start();
  s.wait(seconds(3));
  EXPECT_EQ(s.fsm.open_sentinels(), 4u);
}

}  // namespace
}  // namespace mcpstate::redis
