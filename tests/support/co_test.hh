// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <functional>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>

// Coroutines as test bodies.
//
//     CO_TEST(Event, WakesWhoeverWaits) { … co_await …; CO_ASSERT_EQ(a + b, 3); … }     // `context` is the io_context
//     CO_TEST_WITHIN(Fleet, SharesAFile, 60s) { … }                                     // with a guard of its own
//     CO_TEST_F(Link, SelectsItsDatabase) { … fixture.server() … }                      // `fixture` is the Link
//
// The body and everything that it started must end within the guard, or the test fails and the process ends: a hang leaves
// nothing that could be cleaned up. A coroutine that several tests start with different arguments is a function:
//
//     TEST(Fleet, TakesOverFromAKilledInstance) { run_co_test([](asio::io_context&) { return takes_over(SIGKILL); }); }
namespace mcpstate::test {

inline void run_co_test(const std::function<asio::awaitable<void>(asio::io_context&)>& body,
                        std::chrono::steady_clock::duration guard = std::chrono::seconds(20)) {
  asio::io_context context;
  bool ended = false;
  auto note = [&ended](std::exception_ptr failure) {
    ended = true;
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      ADD_FAILURE() << "the body threw: " << e.what();
    }
  };
  asio::co_spawn(context, body(context), std::move(note));
  context.run_for(guard);
  if (!ended || !context.stopped()) {
    ADD_FAILURE() << (ended ? "work is left after the body has ended" : "the body hangs");
    std::fflush(nullptr);
    std::_Exit(1);
  }
}

// Waits until the condition holds, looking every millisecond; false when it never did.
inline asio::awaitable<bool> eventually(std::function<bool()> holds,
                                        std::chrono::steady_clock::duration within = std::chrono::seconds(10)) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= until) co_return false;
    co_await aio::wait_until(aio::after(std::chrono::milliseconds(1)));
  }
  co_return true;
}

}  // namespace mcpstate::test

// What the macros below are made of, and those of fixtures that start tests in their own way. MACRO is TEST, TEST_F or TEST_P,
// the coroutine has the parameters, and `start` is an expression that runs `body`, which is the coroutine. Nothing is captured.
#define CO_TEST_STARTED(MACRO, Suite, Name, parameters, start)            \
  static ::boost::asio::awaitable<void> Suite##_##Name##_body parameters; \
  MACRO(Suite, Name) {                                                    \
    constexpr auto body = &Suite##_##Name##_body;                         \
    start;                                                                \
  }                                                                       \
  static ::boost::asio::awaitable<void> Suite##_##Name##_body parameters

#define CO_TEST(Suite, Name)                                                                 \
  CO_TEST_STARTED(TEST, Suite, Name, ([[maybe_unused]] ::boost::asio::io_context & context), \
                  ::mcpstate::test::run_co_test(body))
#define CO_TEST_WITHIN(Suite, Name, guard)                                                   \
  CO_TEST_STARTED(TEST, Suite, Name, ([[maybe_unused]] ::boost::asio::io_context & context), \
                  ::mcpstate::test::run_co_test(body, guard))
// The fixture's members that the body uses are public.
#define CO_TEST_F(Fixture, Name)                                                                                         \
  CO_TEST_STARTED(                                                                                                       \
      TEST_F, Fixture, Name, ([[maybe_unused]] Fixture & fixture, [[maybe_unused]] ::boost::asio::io_context & context), \
      ::mcpstate::test::run_co_test([this](::boost::asio::io_context& context) { return body(*this, context); }))
#define CO_TEST_F_WITHIN(Fixture, Name, guard)                                                                           \
  CO_TEST_STARTED(                                                                                                       \
      TEST_F, Fixture, Name, ([[maybe_unused]] Fixture & fixture, [[maybe_unused]] ::boost::asio::io_context & context), \
      ::mcpstate::test::run_co_test([this](::boost::asio::io_context& context) { return body(*this, context); }, guard))

// GoogleTest's ASSERT_ macros return, which a coroutine cannot.
#define CO_ASSERT_TRUE(condition)                       \
  do {                                                  \
    if (const bool co_ok_ = bool(condition); !co_ok_) { \
      ADD_FAILURE() << "not so: " #condition;           \
      co_return;                                        \
    }                                                   \
  } while (false)
#define CO_ASSERT_FALSE(condition) CO_ASSERT_TRUE(!(condition))
#define CO_ASSERT_EQ(a, b)                    \
  do {                                        \
    const auto& co_a_ = (a);                  \
    const auto& co_b_ = (b);                  \
    const bool co_ok_ = (co_a_ == co_b_);     \
    EXPECT_EQ(co_a_, co_b_) << #a " and " #b; \
    if (!co_ok_) co_return;                   \
  } while (false)
// For a result<T>: shows the error.
#define CO_ASSERT_OK(outcome)                                      \
  do {                                                             \
    const auto& co_r_ = (outcome);                                 \
    if (!co_r_) {                                                  \
      ADD_FAILURE() << #outcome ": " << co_r_.error().full_text(); \
      co_return;                                                   \
    }                                                              \
  } while (false)
// For a result<T> that should be an error with this code.
#define CO_ASSERT_FAILS(outcome, expected)                                                                            \
  do {                                                                                                                \
    const auto& co_r_ = (outcome);                                                                                    \
    if (co_r_) {                                                                                                      \
      ADD_FAILURE() << #outcome " should have failed";                                                                \
      co_return;                                                                                                      \
    }                                                                                                                 \
    EXPECT_EQ(::mcpstate::name_of(co_r_.error().code()), ::mcpstate::name_of(expected)) << co_r_.error().full_text(); \
    if (co_r_.error().code() != (expected)) co_return;                                                                \
  } while (false)
