// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <random>

// How long to wait before the next try. Pure but for the dice.
namespace mcpstate::aio {

// After the n-th failure (from 1): between a half and the whole of first · 2^(n-1), at most `longest`.
[[nodiscard]] inline std::chrono::milliseconds backoff(int failures, std::chrono::milliseconds first,
                                                       std::chrono::milliseconds longest) {
  const int doublings = std::clamp(failures - 1, 0, 20);
  const auto whole = std::min(longest, first * (1 << doublings));
  thread_local std::minstd_rand dice{std::random_device{}()};
  std::uniform_int_distribution<std::chrono::milliseconds::rep> spread(whole.count() / 2, whole.count());
  return std::chrono::milliseconds(spread(dice));
}

}  // namespace mcpstate::aio
