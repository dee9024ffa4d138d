// SPDX-License-Identifier: MIT
// Exceptions in coroutines that run beside others: who learns of them, and what goes on.
#include <gtest/gtest.h>
#include <boost/asio/post.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/race.hpp>
#include <mcpstate/aio/task_group.hpp>

#include "support/co_test.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

enum class when { at_once, later, cancelled };

// Throws; where it is cancelled before, instead of ending as it was asked to.
asio::awaitable<int> throws(when moment) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (moment == when::later) co_await aio::wait_until(aio::after(2ms));
  if (moment == when::cancelled) co_await aio::wait_until(aio::deadline::max());
  throw std::runtime_error("a bug");
}

asio::awaitable<int> answers(int value) {
  co_await aio::wait_until(aio::after(5ms));
  co_return value;
}

asio::awaitable<void> waits_for_ever() { co_await aio::wait_until(aio::deadline::max()); }

// Knows nothing of cancellation: the next co_await after one throws.
asio::awaitable<void> waits_unprotected() {
  asio::steady_timer timer(co_await asio::this_coro::executor, aio::deadline::max());
  co_await timer.async_wait(asio::use_awaitable);
}

template <class A, class B>
asio::awaitable<std::string> outcome_of(asio::awaitable<A> first, asio::awaitable<B> second) {
  try {
    auto both = aio::race(std::move(first), std::move(second));
    const auto either = co_await std::move(both);
    co_return std::to_string(either.index());
  } catch (const std::exception& e) {
    co_return e.what();
  }
}

asio::awaitable<void> races() {
  const std::string at_once = co_await outcome_of(throws(when::at_once), waits_for_ever());
  EXPECT_EQ(at_once, "a bug");
  const std::string later = co_await outcome_of(waits_for_ever(), throws(when::later));
  EXPECT_EQ(later, "a bug");
  const std::string loser = co_await outcome_of(answers(1), throws(when::cancelled));
  EXPECT_EQ(loser, "a bug");
  const std::string first = co_await outcome_of(answers(1), waits_for_ever());
  EXPECT_EQ(first, "0");
  const std::string second = co_await outcome_of(waits_unprotected(), answers(1));
  EXPECT_EQ(second, "1");
}

TEST(Race, NeverTakesAnExceptionForALoss) {
  run_co_test([](asio::io_context&) { return races(); });
}

task<int> bounded(when moment) {
  const int value = co_await throws(moment);
  co_return value;
}

asio::awaitable<void> bounds(when moment) {
  const auto begun = steady::now();
  bool thrown = false;
  try {
    auto work = aio::with_deadline(bounded(moment), aio::after(moment == when::cancelled ? 10ms : 15s), "work");
    auto answered = co_await std::move(work);
    static_cast<void>(answered.has_value());
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  EXPECT_TRUE(thrown);
  EXPECT_LT(steady::now() - begun, 5s);
}

TEST(WithDeadline, NeverTurnsAnExceptionIntoADeadline) {
  for (const when moment : {when::at_once, when::later, when::cancelled})
    run_co_test([moment](asio::io_context&) { return bounds(moment); });
}

asio::awaitable<void> throws_odd_things(int which) {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  if (which == 0) throw std::runtime_error("a bug");
  if (which == 1) throw std::bad_alloc();
  throw 7;
}

asio::awaitable<void> fails_in_a_group() {
  std::vector<std::string> told;
  aio::task_group group(co_await asio::this_coro::executor,
                        [&told](const std::string& name, const std::string&) { told.push_back(name); });
  bool ended = false;
  for (const int which : {0, 1, 2}) group.spawn("task " + std::to_string(which), throws_odd_things(which));
  group.spawn("sound", [](bool& done) -> asio::awaitable<void> {
    co_await aio::wait_until(aio::after(5ms));
    done = true;
  }(ended));
  co_await group.join();
  EXPECT_EQ(told, (std::vector<std::string>{"task 0", "task 1", "task 2"}));
  EXPECT_TRUE(ended);
  co_await group.stop();
}

TEST(TaskGroup, FailureNeverEndsMoreThanItsRuleSays) {
  run_co_test([](asio::io_context&) { return fails_in_a_group(); });
}

asio::awaitable<void> fails_in_a_group_of_the_process() {
  aio::task_group group(co_await asio::this_coro::executor, aio::end_process);
  group.spawn("task", throws_odd_things(0));
  co_await group.join();
}

TEST(TaskGroupDeathTest, ProcessEndsWhereTheRuleSaysSo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run_co_test([](asio::io_context&) { return fails_in_a_group_of_the_process(); }), "");
}

}  // namespace
}  // namespace mcpstate::test
