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
//     asio::awaitable<void> sums_up(int a, int b) { … CO_ASSERT_EQ(a + b, 3); … }
//     TEST(sum, sums_up) { run_co_test([](asio::io_context&) { return sums_up(1, 2); }); }
//
// The body and everything that it started must end within the guard, or the test fails and the process ends: a hang leaves
// nothing that could be cleaned up.
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
