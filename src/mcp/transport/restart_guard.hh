// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <deque>

// Bounds how often a session is opened again: a server that fails at once is not started without end. Pure.
namespace mcpstate::mcp {

class restart_guard {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t max_restarts = 5;  // within window
  static constexpr auto window = std::chrono::seconds(60);

  // Whether another restart is allowed now. If so, it is counted.
  [[nodiscard]] bool allow(clock::time_point now) {
    while (!restarts_.empty() && now - restarts_.front() >= window) restarts_.pop_front();
    if (restarts_.size() >= max_restarts) return false;
    restarts_.push_back(now);
    return true;
  }

 private:
  std::deque<clock::time_point> restarts_;
};

}  // namespace mcpstate::mcp
