// SPDX-License-Identifier: MIT
// That the measure of all component tests notices a handler that holds up its executor, and says which it was.
#include "support/turns/turns.hh"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <mcpstate/aio/offload.hpp>

#include "support/co_test.hh"

namespace mcpstate::test {

// What must be named: not inlined, and the same in every kind of build.
[[gnu::noinline]] void compute_for_long() {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto until = now() + 2 * turn_bound;
  while (now() < until) {
  }
}

[[gnu::noinline]] void wait_for_long() { ::poll(nullptr, 0, static_cast<int>(2 * turn_bound.count())); }

namespace {

bool names(const turn_fault& fault, const std::string& function) { return fault.stack.find(function) != std::string::npos; }

std::vector<turn_fault> faults_of(void (*work)()) {
  asio::io_context context;
  asio::post(context, work);
  context.run();
  return taken_turn_faults();
}

TEST(ExecutorTurns, NameAHandlerThatComputesForTooLong) {
  const auto faults = faults_of(compute_for_long);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_FALSE(faults[0].slept);
  EXPECT_GT(faults[0].took, turn_bound);
  EXPECT_TRUE(names(faults[0], "compute_for_long")) << faults[0].text();
}

TEST(ExecutorTurns, NameAHandlerThatSleeps) {
  const auto faults = faults_of(wait_for_long);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_TRUE(faults[0].slept);
  EXPECT_TRUE(names(faults[0], "poll") || names(faults[0], "wait_for_long")) << faults[0].text();
}

TEST(ExecutorTurns, NameAHandlerThatWaitsForALock) {
  static std::mutex mutex;
  std::promise<void> held;
  std::thread holder([&] {
    const std::lock_guard lock(mutex);
    held.set_value();
    wait_for_long();
  });
  held.get_future().wait();
  const auto faults = faults_of([] { const std::lock_guard lock(mutex); });
  holder.join();
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_TRUE(faults[0].slept);
}

TEST(ExecutorTurns, NameAHandlerThatWaitsForAProcess) {
  const auto faults = faults_of([] {
    const std::string command = "sleep " + std::to_string(2e-3 * static_cast<double>(turn_bound.count()));
    EXPECT_EQ(std::system(command.c_str()), 0);
  });
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_TRUE(faults[0].slept);
  EXPECT_TRUE(names(faults[0], "wait")) << faults[0].text();
}

CO_TEST(ExecutorTurns, NameACoroutineBetweenTwoAwaits) {
  co_await aio::wait_until(aio::after(std::chrono::milliseconds(1)));
  compute_for_long();
  co_await aio::wait_until(aio::after(std::chrono::milliseconds(1)));
  const auto faults = taken_turn_faults();
  CO_ASSERT_EQ(faults.size(), 1U);
  EXPECT_TRUE(names(faults[0], "NameACoroutineBetweenTwoAwaits")) << faults[0].text();
}

TEST(ExecutorTurns, AddUpForNobodyWhoTakesManyShortOnes) {
  asio::io_context context;
  for (int i = 0; i < 2000; ++i) asio::post(context, [] { ::poll(nullptr, 0, 0); });
  context.run();
  EXPECT_TRUE(taken_turn_faults().empty());
  EXPECT_EQ(all_turns().turns, 2000U);
}

CO_TEST(ExecutorTurns, LeaveAThreadOfAPoolAlone) {
  asio::thread_pool pool(1);
  auto wait = [] {
    wait_for_long();
    return 0;
  };
  static_cast<void>(co_await aio::offload(pool, wait));
  pool.join();
  EXPECT_TRUE(taken_turn_faults().empty());
}

TEST(ExecutorTurns, LeaveOutWhatATestSaysIsItsOwn) {
  const auto faults = faults_of([] {
    const outside_turns own;
    compute_for_long();
    wait_for_long();
  });
  EXPECT_TRUE(faults.empty());
}

}  // namespace
}  // namespace mcpstate::test
