// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <deque>

// Stops a server that dies again and again from being started again and again. Pure.
namespace mcpstate::mcp {

class restart_guard {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t most = 5;  // restarts …
  static constexpr auto within = std::chrono::seconds(60);

  // Whether another restart is all right now; if so it is counted.
  [[nodiscard]] bool allow(clock::time_point now) {
    while (!taken_.empty() && now - taken_.front() >= within) taken_.pop_front();
    if (taken_.size() >= most) return false;
    taken_.push_back(now);
    return true;
  }

 private:
  std::deque<clock::time_point> taken_;
};

}  // namespace mcpstate::mcp
