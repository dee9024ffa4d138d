// SPDX-License-Identifier: MIT
#include "redis/topology/verdict.hh"

#include <gtest/gtest.h>

#include "unit/redis/topology/replies.hh"

namespace mcpstate::redis {
namespace {

using places = std::vector<std::size_t>;
using step = verdict::step;

const reply moved = err("MOVED 7 b:1"), ask = err("ASK 7 b:1"), again = err("TRYAGAIN Multiple keys"),
            queued = str("QUEUED"), aborted = err("EXECABORT Transaction discarded because of previous errors."),
            interrupted =
                err("ERR Script attempted to access a non local key in a cluster node script: 1, on @user_script:2.");

verdict judge_all(const std::vector<reply>& answers, effect kind, bool atomic = false) {
  return judge(answers, unit_shape(answers.size(), kind, atomic));
}

TEST(Verdict, IsDoneForAnswersAndErrorsOfTheCommands) {
  const std::vector<reply> answers = {ok,
                                      nil(),
                                      err("WRONGTYPE Operation"),
                                      err("NOSCRIPT No matching script."),
                                      err("NOREPLICAS Not enough"),
                                      err("OOM command not allowed"),
                                      err("NOPERM no")};
  EXPECT_EQ(judge_all(answers, effect::write).next, step::done);
  EXPECT_EQ(judge_all(answers, effect::read).next, step::done);
}

TEST(Verdict, SendsOnlyThatAgainWhichHasNotRun) {
  const verdict seen = judge_all({ok, moved}, effect::write);
  EXPECT_EQ(seen.next, step::again);
  EXPECT_EQ(seen.commands, places({1}));
  EXPECT_TRUE(seen.any_ran);
  EXPECT_EQ(seen.why.kind, refusal_kind::moved);
  EXPECT_EQ(judge_all({again, ok, err("WRONGTYPE x"), ask}, effect::write).commands, places({0, 3}));
}

TEST(Verdict, SendsAllAgainWhenNothingRan) {
  const verdict seen = judge_all({ask, again, moved}, effect::write);
  EXPECT_EQ(seen.commands, places({0, 1, 2}));
  EXPECT_FALSE(seen.any_ran);
  EXPECT_EQ(seen.why.kind, refusal_kind::ask);
}

TEST(Verdict, NeverRepeatsAScriptThatMayHaveWritten) {
  EXPECT_EQ(judge_all({interrupted}, effect::write).next, step::unknown);
  EXPECT_EQ(judge_all({ok, interrupted}, effect::write).next, step::unknown);
  EXPECT_EQ(judge_all({moved, interrupted}, effect::write).next, step::unknown);
}

TEST(Verdict, RepeatsAScriptThatOnlyReads) {
  const verdict seen = judge_all({ok, interrupted}, effect::read);
  EXPECT_EQ(seen.next, step::again);
  EXPECT_EQ(seen.commands, places({1}));
}

TEST(Verdict, RepeatsATransactionAsAWhole) {
  for (const auto& answers : {std::vector<reply>{ok, queued, moved, aborted}, std::vector<reply>{ok, moved, moved, aborted},
                              std::vector<reply>{ok, queued, queued, moved}, std::vector<reply>{ok, ask, queued, aborted},
                              std::vector<reply>{ok, queued, queued, err("CLUSTERDOWN Hash slot not served")}}) {
    const verdict seen = judge_all(answers, effect::write, true);
    EXPECT_EQ(seen.next, step::again);
    EXPECT_EQ(seen.commands, places({0, 1, 2, 3}));
    EXPECT_FALSE(seen.any_ran);
  }
}

TEST(Verdict, LeavesATransactionAloneThatRanOrWasRefusedForItself) {
  EXPECT_EQ(judge_all({ok, queued, arr({ok})}, effect::write, true).next, step::done);
  EXPECT_EQ(judge_all({ok, queued, nil()}, effect::write, true).next, step::done);
  EXPECT_EQ(judge_all({ok, err("ERR unknown command"), aborted}, effect::write, true).next, step::done);
}

TEST(Verdict, DoesNotKnowWhatBecameOfATransactionThatFellApart) {
  EXPECT_EQ(judge_all({err("LOADING x"), ok, err("ERR EXEC without MULTI")}, effect::write, true).next, step::unknown);
  EXPECT_EQ(judge_all({ok, moved, arr({ok})}, effect::write, true).next, step::unknown);
  EXPECT_EQ(judge_all({ok, queued, arr({ok, interrupted})}, effect::write, true).next, step::unknown);
}

TEST(Verdict, TakesKeysOfSeveralSlotsForAMistakeOfOurs) {
  EXPECT_EQ(judge_all({err("CROSSSLOT Keys in request don't hash to the same slot")}, effect::write).next, step::bug);
  EXPECT_EQ(judge_all({ok, moved, err("CROSSSLOT x")}, effect::read).next, step::bug);
}

TEST(Shape, OfATransactionIsAtomic) {
  request multi;
  multi.add("MULTI").add("GET", "a").add("EXEC");
  EXPECT_TRUE(shape_of(multi, effect::read).atomic);
  EXPECT_EQ(shape_of(multi, effect::read).commands, 3u);
  request small;
  small.add("multi").add("GET", "a").add("exec");
  EXPECT_TRUE(shape_of(small, effect::write).atomic);
  request plain;
  plain.add("SET", "MULTI", "x").add("GET", "a");
  EXPECT_FALSE(shape_of(plain, effect::write).atomic);
}

TEST(Commands, AreSplitWhereTheyWereJoined) {
  request all;
  all.add("SET", "k", std::string("a\r\n*1\r\n$4\r\nPING\r\n\0", 18)).add("PING").add("GET", "");
  const auto parts = split_commands(all.bytes());
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[1], "*1\r\n$4\r\nPING\r\n");
  std::string joined;
  for (const std::string_view part : parts) joined += part;
  EXPECT_EQ(joined, all.bytes());
}

TEST(Commands, AreNotReadBehindTheEndOfABrokenText) {
  for (const std::string_view text :
       {"", "*", "*1\r\n", "*1\r\n$4\r\nPI", "*1\r\n$4\r\nPING", "*1\r\n$99999999999999999999\r\nx\r\n",
        "*1\r\n$18446744073709551615\r\nx\r\n", "PING\r\n", "*x\r\n"}) {
    EXPECT_TRUE(split_commands(text).empty()) << text;
  }
}

TEST(Commands, AreEachSentWithAsking) {
  request all;
  all.add("SET", "s", "1").add("GET", "a").add("EVALSHA", "x");
  const request chosen = select_commands(all, places({0, 2}), false, true);
  request expected;
  expected.add("ASKING").add("SET", "s", "1").add("ASKING").add("EVALSHA", "x");
  EXPECT_EQ(chosen.bytes(), expected.bytes());
  EXPECT_EQ(chosen.commands(), 4u);
  std::vector<reply> answers = {ok, num(1), ok, num(2)};
  drop_asking_replies(answers, false);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].integer, 1);
  EXPECT_EQ(answers[1].integer, 2);
}

TEST(Commands, OfATransactionAreSentWithOneAskingInFront) {
  request all;
  all.add("MULTI").add("GET", "a").add("EXEC");
  const request chosen = select_commands(all, places({0, 1, 2}), true, true);
  request expected;
  expected.add("ASKING").add("MULTI").add("GET", "a").add("EXEC");
  EXPECT_EQ(chosen.bytes(), expected.bytes());
  std::vector<reply> answers = {ok, ok, queued, arr({num(1)})};
  drop_asking_replies(answers, true);
  EXPECT_EQ(answers.size(), 3u);
}

TEST(Commands, KeepTheLimitsOfTheirReplies) {
  request all;
  all.add("GET", "a").add("GET", "b").limit_values({10, 20}).add("GET", "c").add("GET", "d");
  const request behind = select_commands(all, places({0, 3}), false, true);
  EXPECT_EQ(behind.unlimited(), 2u);  // ASKING, GET a
  EXPECT_EQ(behind.limits().count, 2u);
  EXPECT_EQ(behind.limits().at(1), 20u);
  EXPECT_EQ(select_commands(all, places({2, 3}), false, false).unlimited(), 0u);
  EXPECT_EQ(select_commands(all, places({0, 1}), false, false).limits().count, 0u);
}

TEST(Commands, AreSentAsTheyAreWithoutAsking) {
  request all;
  all.add("GET", "a").add("GET", "b");
  EXPECT_EQ(select_commands(all, places({0, 1}), false, false).bytes(), all.bytes());
}

}  // namespace
}  // namespace mcpstate::redis
