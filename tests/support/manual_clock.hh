// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <chrono>

#include <mcpstate/core/time.hpp>

namespace mcpstate::test {

// A clock that stands still until it is told to move. Safe from any thread.
class manual_clock final : public clock_source {
 public:
  explicit manual_clock(timestamp start = timestamp(std::chrono::seconds(1'790'000'000)))
      : now_(start.time_since_epoch().count()) {}
  [[nodiscard]] timestamp now() const override { return timestamp(std::chrono::microseconds(now_.load())); }
  void advance(std::chrono::microseconds by) { now_ += by.count(); }

 private:
  std::atomic<std::chrono::microseconds::rep> now_;
};

}  // namespace mcpstate::test
