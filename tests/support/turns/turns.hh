// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "support/turns/outside_turns.hh"

// Turns of the executor: a turn is one handler that an io_context runs, from its begin to its end. Everything else that lives on
// that executor waits for it, all owners and all peers. So a turn may take so much time of the processor, and may not sleep.
//
// The program links mcpstate_turns: Asio as it is, but for a `turn` around each handler. What listens to the faults is linked
// beside it: turn_listener.cpp fails the GoogleTest test that runs, turn_abort.cpp ends the program.
namespace mcpstate::test {

// Of the thread's time on a processor. Builds that are not optimised get what sanitizers get.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG)
inline constexpr std::chrono::milliseconds turn_bound{250};
#else
inline constexpr std::chrono::milliseconds turn_bound{50};
#endif

struct turn_fault {
  bool slept = false;  // it waited in a system call; else it computed
  std::chrono::nanoseconds took{};
  std::string handler;    // the function of Asio that ran
  std::string stack;      // where it was, innermost first; empty when it ended before anybody looked
  std::string waited_in;  // of one that slept: the kernel's function, where it is told
  [[nodiscard]] std::string text() const;
};

struct turn_totals {
  unsigned long long turns = 0;
  std::chrono::nanoseconds longest{};
};
// Since the program began, or since the last restart.
[[nodiscard]] turn_totals all_turns();
void restart_turns();
// The number of the turn that this thread is in; another one for each.
[[nodiscard]] std::uint64_t this_turn() noexcept;

// Called on the thread of the executor when a turn that broke a rule has ended. Defined by the listener that is linked.
void on_turn_fault(turn_fault fault);
// The faults since the last time, for tests that cause some. Only of the listener that is for tests.
[[nodiscard]] std::vector<turn_fault> taken_turn_faults();

// Put around each handler, and each worker thread of a pool, by Asio as it is linked here. Turns in turns count for the outer one.
class turn {
 public:
  explicit turn(const void* handler) noexcept;
  ~turn();
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
};
// Threads of a pool are there to block: what they run is no turn.
void mark_worker_thread() noexcept;

}  // namespace mcpstate::test
