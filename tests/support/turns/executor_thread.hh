// SPDX-License-Identifier: MIT
#pragma once
#include <sys/types.h>
#include <ctime>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

// What is known about a thread that runs handlers: written by itself, read by the watchdog.
namespace mcpstate::test {

struct executor_thread {
  executor_thread();
  ~executor_thread();
  executor_thread(const executor_thread&) = delete;
  executor_thread& operator=(const executor_thread&) = delete;

  // Its own.
  unsigned depth = 0;
  bool worker = false;

  std::atomic<std::uint64_t> number{0};  // of the turn; even between two turns
  std::atomic<const void*> handler{nullptr};
  std::atomic<std::int64_t> begun{0};  // time of its processor, ns
  std::atomic<int> outside{0};         // outside_turns that live
  // Found by the watchdog.
  std::atomic<std::int64_t> slept{0};          // ns, of this turn
  std::atomic<std::uint64_t> stack_wanted{0};  // the number of a turn
  // Filled in a signal handler of the thread.
  std::array<void*, 64> stack{};
  std::atomic<int> frames{0};
  std::array<char, 64> waited_in{};  // written before slept is

  const pid_t id;
  clockid_t clock{};
};

// The one of the calling thread; watched from its first use on.
executor_thread& this_thread();
std::int64_t processor_time(clockid_t clock) noexcept;

// "function (file)" of each frame, one a line, as far as they can be told.
std::string told_stack(void* const* frames, int count);

}  // namespace mcpstate::test
