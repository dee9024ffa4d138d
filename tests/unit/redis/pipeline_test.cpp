// SPDX-License-Identifier: MIT
#include "redis/pipeline.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <string>

#include "support/seed.hh"

namespace mcpstate::redis {
namespace {

using entry = pipeline::entry;
using time_point = pipeline::time_point;
using std::chrono::seconds;

const time_point start = time_point() + seconds(1000);

// Its command is its name.
struct named : entry {
  named(std::string n, int times, time_point deadline, effect kind)
      : entry(ask(n, times), deadline, kind), name(std::move(n)) {}
  static request ask(const std::string& n, int times) {
    request r;
    for (int i = 0; i < times; ++i) r.add(n);
    return r;
  }
  std::string name;
};

reply number(std::int64_t n) {
  reply out;
  out.kind = reply::type::integer;
  out.integer = n;
  return out;
}
std::string name(const std::unique_ptr<entry>& e) { return e ? static_cast<named&>(*e).name : "none"; }
std::string name(const pipeline::ending& e) { return name(e.who) + " " + std::string(name_of(e.why)); }
std::vector<std::string> names(const std::vector<pipeline::ending>& all) {
  std::vector<std::string> out;
  for (const pipeline::ending& e : all) out.push_back(name(e));
  return out;
}
using list = std::vector<std::string>;

struct books : pipeline {
  books(std::size_t commands = 100, std::size_t bytes = 10000) : pipeline(commands, bytes) {}
  std::uint64_t ask(const std::string& n, effect kind = effect::read, int commands = 1,
                    time_point until = time_point::max()) {
    return add(std::make_unique<named>(n, commands, until, kind));
  }
  std::string staged() {
    std::string out;
    stage(out);
    return out;
  }
};
std::string wire(const std::string& n, int commands = 1) { return named::ask(n, commands).bytes(); }

TEST(pipeline, writes_in_order_and_together) {
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

TEST(pipeline, gives_each_request_its_own_replies) {
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

TEST(pipeline, withdraws_what_waits) {
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

TEST(pipeline, drops_the_replies_of_what_was_withdrawn_after_it_was_sent) {
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

TEST(pipeline, knows_no_request_that_has_ended) {
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

TEST(pipeline, never_gives_a_number_twice) {
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

TEST(pipeline, fails_by_deadline_what_is_due_and_nothing_else) {
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

TEST(pipeline, fails_what_was_sent_and_keeps_what_waits_when_the_connection_is_lost) {
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

TEST(pipeline, fails_reads_as_told_when_the_connection_is_lost) {
  books b;
  b.ask("read");
  b.ask("write", effect::write);
  b.staged();
  EXPECT_EQ(names(b.lost(errc::stopped)), (list{"read stopped", "write outcome_unknown"}));
}

TEST(pipeline, drops_what_waits_and_only_that) {
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

TEST(pipeline, bounds_commands_waiting_and_in_flight) {
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

TEST(pipeline, bounds_bytes_that_are_not_written) {
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

// Against a model: whatever happens in whatever order, every request ends exactly once, answered ones with their own
// replies, and the counts are right.
TEST(pipeline, ends_every_request_exactly_once) {
  std::mt19937_64 random(test::seed());
  const auto dice = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  struct fate {
    std::uint64_t number = 0;
    std::size_t commands = 0;
    bool ended = false, sent = false;
    std::int64_t first_reply = 0;
    effect kind = effect::read;
  };
  books b(1'000'000, 1'000'000);
  std::map<std::string, fate> all;
  std::vector<std::string> order;  // of those not yet sent
  std::int64_t wire_in = 0, wire_out = 0;
  time_point now = start;
  const auto end = [&](const pipeline::ending& e) {
    fate& f = all.at(name(e.who));
    ASSERT_FALSE(f.ended);
    f.ended = true;
    ASSERT_EQ(e.why == errc::outcome_unknown, f.sent && f.kind == effect::write) << name(e);
  };
  const auto end_all = [&](const std::vector<pipeline::ending>& es) {
    for (const auto& e : es) end(e);
  };
  for (int step = 0; step < 50'000; ++step) {
    const int what = dice(100);
    if (what < 40) {
      const std::string n = "r" + std::to_string(step);
      fate f;
      f.commands = static_cast<std::size_t>(1 + dice(3));
      f.kind = dice(2) == 0 ? effect::read : effect::write;
      f.number = b.ask(n, f.kind, static_cast<int>(f.commands), now + seconds(dice(50)));
      all[n] = f;
      order.push_back(n);
    } else if (what < 50) {
      b.staged();
      if (dice(2) == 0) b.wrote();
      for (const std::string& n : order) {
        fate& f = all.at(n);
        if (f.ended) continue;
        f.sent = true;
        f.first_reply = wire_in;
        wire_in += static_cast<std::int64_t>(f.commands);
      }
      order.clear();
    } else if (what < 90) {
      ASSERT_EQ(b.owed(), wire_out < wire_in);
      if (!b.owed()) continue;
      if (auto done = b.on_reply(number(wire_out++))) {
        fate& f = all.at(name(done));
        ASSERT_FALSE(f.ended);
        f.ended = true;
        ASSERT_EQ(done->replies.size(), f.commands);
        ASSERT_EQ(done->replies[0].integer, f.first_reply);
      }
    } else if (what < 96) {
      auto some = all.begin();
      std::advance(some, dice(static_cast<int>(std::min<std::size_t>(all.size(), 100))) * !all.empty());
      if (all.empty()) continue;
      const bool over = some->second.ended;
      auto ended = b.withdraw(some->second.number);
      ASSERT_EQ(ended.has_value(), !over);
      if (ended) end(*ended);
    } else if (what < 98) {
      now += seconds(dice(5));
      end_all(b.expire(now));
    } else if (what == 98) {
      end_all(b.lost(errc::connection_lost));
      wire_out = wire_in;
    } else {
      end_all(b.drop_waiting(errc::connection_lost));
    }
    if (testing::Test::HasFatalFailure()) FAIL() << "at step " << step;
    if (step % 500 == 0) std::erase_if(all, [](const auto& one) { return one.second.ended; });
    std::erase_if(order, [&](const std::string& n) { return !all.contains(n); });
  }
  end_all(b.lost(errc::connection_lost));
  end_all(b.drop_waiting(errc::connection_lost));
  for (const auto& [n, f] : all) EXPECT_TRUE(f.ended) << n;
  EXPECT_EQ(b.pending(), 0u);
  EXPECT_EQ(b.earliest(), time_point::max());
}

}  // namespace
}  // namespace mcpstate::redis
