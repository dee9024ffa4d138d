// SPDX-License-Identifier: MIT
#pragma once

// What test code does on an executor is no part of a turn: it prepares data, or waits for a process. Does nothing in programs
// whose turns nobody measures (turns.hh), so that fixtures can say it wherever they are linked.
namespace mcpstate::test {

// Set where turns are measured.
inline void (*leave_turn)() noexcept = nullptr;
inline void (*resume_turn)() noexcept = nullptr;

class outside_turns {
 public:
  outside_turns() noexcept {
    if (leave_turn != nullptr) leave_turn();
  }
  ~outside_turns() {
    if (resume_turn != nullptr) resume_turn();
  }
  outside_turns(const outside_turns&) = delete;
  outside_turns& operator=(const outside_turns&) = delete;
};

}  // namespace mcpstate::test
