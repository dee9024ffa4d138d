// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/open_store.hpp>

#include "support/intercepting_backend.hh"

namespace mcpstate::test {

// What a slow store was asked for.
struct store_times {
  std::chrono::milliseconds delay{0};  // before each answer
  std::vector<std::chrono::steady_clock::time_point> beats;
};

inline task<void> wait_for_answer(std::shared_ptr<store_times> times, std::string step) {
  if (step == "beat") times->beats.push_back(std::chrono::steady_clock::now());
  co_await aio::wait_until(aio::after(times->delay));
  co_return result<void>();
}

// A store far away: each answer takes a time.
inline std::unique_ptr<store_backend> make_slow_backend(std::unique_ptr<store_backend> target,
                                                        std::shared_ptr<store_times> times) {
  step_interceptor before = [times = std::move(times)](std::string step, std::optional<owner>) {
    return wait_for_answer(times, std::move(step));
  };
  return std::make_unique<intercepting_backend>(std::move(target), std::move(before));
}

}  // namespace mcpstate::test
