// SPDX-License-Identifier: MIT
#include "unit/redis/pipeline_books.hh"

#include <gtest/gtest.h>

namespace mcpstate::redis {
namespace {

std::string wire(const std::string& n, int commands = 1) { return named::ask(n, commands).bytes(); }

TEST(Pipeline, WritesRequestsInOrderAndTogether) {
  books b;
  b.ask("a");
  b.ask("b", effect::write, 2);
  EXPECT_EQ(b.pending(), 3u);
  EXPECT_EQ(b.waiting(), 3u);
  EXPECT_FALSE(b.owed());
  EXPECT_EQ(b.staged(), wire("a") + wire("b", 2));
  EXPECT_TRUE(b.owed());
  EXPECT_EQ(b.waiting(), 0u);
  EXPECT_EQ(b.staged(), "") << "once";
  b.ask("c");
  EXPECT_EQ(b.staged(), wire("c"));
  EXPECT_EQ(b.pending(), 4u);
}

TEST(Pipeline, GivesEachRequestItsOwnReplies) {
  books b;
  b.ask("a");
  b.ask("b", effect::read, 3);
  b.staged();
  auto a = b.on_reply(number(1));
  ASSERT_EQ(name(a), "a");
  EXPECT_EQ(a->replies.at(0).integer, 1);
  EXPECT_EQ(b.on_reply(number(2)), nullptr);
  EXPECT_EQ(b.on_reply(number(3)), nullptr);
  auto last = b.on_reply(number(4));
  ASSERT_EQ(name(last), "b");
  ASSERT_EQ(last->replies.size(), 3u);
  EXPECT_EQ(last->replies[0].integer, 2);
  EXPECT_EQ(last->replies[2].integer, 4);
  EXPECT_FALSE(b.owed());
  EXPECT_EQ(b.pending(), 0u);
}

TEST(Pipeline, WithdrawsAWaitingRequest) {
  books b;
  b.ask("a");
  const auto middle = b.ask("b", effect::write, 2);
  b.ask("c");
  auto ended = b.withdraw(middle);
  ASSERT_TRUE(ended);
  EXPECT_EQ(name(*ended), "b stopped") << "not sent: even a write is known not to have happened";
  EXPECT_FALSE(b.withdraw(middle)) << "once";
  EXPECT_EQ(b.pending(), 2u);
  EXPECT_EQ(b.staged(), wire("a") + wire("c"));
  EXPECT_EQ(name(b.on_reply(number(1))), "a");
  EXPECT_EQ(name(b.on_reply(number(2))), "c");
  EXPECT_FALSE(b.owed());
}

TEST(Pipeline, DropsRepliesToARequestWithdrawnAfterSending) {
  books b;
  const auto first = b.ask("a", effect::write, 2);
  const auto second = b.ask("b", effect::read);
  b.ask("c");
  b.staged();
  EXPECT_EQ(b.on_reply(number(1)), nullptr);
  EXPECT_EQ(name(*b.withdraw(first)), "a outcome_unknown") << "half answered is not answered";
  EXPECT_EQ(name(*b.withdraw(second)), "b stopped");
  EXPECT_EQ(b.pending(), 3u) << "their replies are still owed";
  EXPECT_EQ(b.on_reply(number(2)), nullptr);
  EXPECT_EQ(b.on_reply(number(3)), nullptr);
  EXPECT_TRUE(b.owed());
  auto c = b.on_reply(number(4));
  ASSERT_EQ(name(c), "c");
  EXPECT_EQ(c->replies.at(0).integer, 4);
}

TEST(Pipeline, ForgetsEndedRequests) {
  books b;
  const auto a = b.ask("a");
  b.staged();
  EXPECT_EQ(name(b.on_reply(number(1))), "a");
  EXPECT_FALSE(b.withdraw(a));
  EXPECT_FALSE(b.withdraw(a + 1));
  const auto next = b.ask("b");
  EXPECT_GT(next, a);
  EXPECT_FALSE(b.withdraw(a));
}

TEST(Pipeline, NeverReusesANumber) {
  books b;
  std::uint64_t last = b.ask("x");
  const auto is_newer = [&](std::uint64_t n) {
    const bool newer = n > last;
    last = n;
    return newer;
  };
  static_cast<void>(b.withdraw(last));
  EXPECT_TRUE(is_newer(b.ask("withdrawn while nothing is sent")));
  b.staged();
  EXPECT_TRUE(is_newer(b.ask("waits")));
  static_cast<void>(b.withdraw(last));
  EXPECT_TRUE(is_newer(b.ask("withdrawn while something is sent")));
  static_cast<void>(b.drop_waiting(errc::connection_lost));
  EXPECT_TRUE(is_newer(b.ask("after the waiting were dropped")));
  static_cast<void>(b.lost(errc::connection_lost));
  EXPECT_TRUE(is_newer(b.ask("after a loss")));
}

TEST(Pipeline, FailsOnlyRequestsPastTheirDeadline) {
  books b;
  b.ask("sent read", effect::read, 1, start);
  b.ask("sent write", effect::write, 2, start + seconds(1));
  b.ask("sent later", effect::write, 1, start + seconds(9));
  b.staged();
  b.ask("unsent read", effect::read, 1, start);
  b.ask("unsent write", effect::write, 1, start + seconds(1));
  b.ask("unsent later", effect::write, 1, start + seconds(9));
  EXPECT_EQ(b.earliest(), start);
  EXPECT_EQ(names(b.expire(start - seconds(1))), list{});
  EXPECT_EQ(names(b.expire(start)), (list{"sent read deadline", "unsent read deadline"}));
  EXPECT_EQ(b.earliest(), start + seconds(1));
  EXPECT_EQ(names(b.expire(start + seconds(5))), (list{"sent write outcome_unknown", "unsent write deadline"}));
  EXPECT_EQ(names(b.expire(start + seconds(5))), list{}) << "once";
  EXPECT_EQ(b.staged(), wire("unsent later"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(b.on_reply(number(i)), nullptr);
  EXPECT_EQ(name(b.on_reply(number(3))), "sent later");
  EXPECT_EQ(name(b.on_reply(number(4))), "unsent later");
  EXPECT_EQ(b.earliest(), time_point::max());
}

TEST(Pipeline, LosesSentRequestsAndKeepsWaitingOnesWithTheConnection) {
  books b;
  b.ask("read");
  b.ask("write", effect::write, 2);
  const auto gone = b.ask("gave up", effect::write);
  b.staged();
  b.ask("waits", effect::write);
  EXPECT_EQ(name(*b.withdraw(gone)), "gave up outcome_unknown");
  EXPECT_EQ(name(b.on_reply(number(1))), "read");
  EXPECT_EQ(b.on_reply(number(2)), nullptr);
  EXPECT_EQ(names(b.lost(errc::connection_lost)), list{"write outcome_unknown"});
  EXPECT_FALSE(b.owed()) << "a new connection owes nothing of the old one";
  EXPECT_EQ(b.pending(), 1u);
  EXPECT_EQ(b.pending_bytes(), wire("waits").size());
  EXPECT_EQ(b.staged(), wire("waits"));
  EXPECT_EQ(name(b.on_reply(number(3))), "waits");
}

TEST(Pipeline, FailsReadsWithTheGivenErrorWhenTheConnectionIsLost) {
  books b;
  b.ask("read");
  b.ask("write", effect::write);
  b.staged();
  EXPECT_EQ(names(b.lost(errc::stopped)), (list{"read stopped", "write outcome_unknown"}));
}

TEST(Pipeline, DropsOnlyWaitingRequests) {
  books b;
  b.ask("sent", effect::write);
  b.staged();
  b.ask("read");
  b.ask("write", effect::write);
  EXPECT_EQ(names(b.drop_waiting(errc::connection_lost)), (list{"read connection_lost", "write connection_lost"}));
  EXPECT_EQ(b.pending(), 1u);
  EXPECT_EQ(b.staged(), "");
  EXPECT_EQ(name(b.on_reply(number(1))), "sent");
}

TEST(Pipeline, BoundsCommandsWaitingAndInFlight) {
  books b(3);
  const auto room = [&](int commands) { return b.fits(named("x", commands, start, effect::read)); };
  EXPECT_TRUE(room(3));
  EXPECT_FALSE(room(4));
  b.ask("a");
  const auto second = b.ask("b");
  b.staged();
  EXPECT_TRUE(room(1));
  EXPECT_FALSE(room(2));
  static_cast<void>(b.withdraw(second));
  EXPECT_FALSE(room(2)) << "its reply is still to come";
  static_cast<void>(b.on_reply(number(1)));
  EXPECT_TRUE(room(2));
  const auto third = b.ask("c", effect::read, 2);
  EXPECT_FALSE(room(1));
  static_cast<void>(b.withdraw(third));
  EXPECT_TRUE(room(2)) << "it never went out";
}

TEST(Pipeline, BoundsUnwrittenBytes) {
  const std::size_t each = wire("a").size();
  books b(100, 3 * each);
  const auto room = [&](int commands) { return b.fits(named("x", commands, start, effect::read)); };
  b.ask("a");
  b.ask("b");
  EXPECT_TRUE(room(1));
  EXPECT_FALSE(room(2));
  b.staged();
  EXPECT_EQ(b.pending_bytes(), 2 * each) << "staged is not written";
  EXPECT_FALSE(room(2));
  b.wrote();
  EXPECT_EQ(b.pending_bytes(), 0u);
  EXPECT_TRUE(room(3));
}

}  // namespace
}  // namespace mcpstate::redis
