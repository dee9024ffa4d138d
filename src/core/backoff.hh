// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>

// How long to wait before the next attempt. Pure.
namespace mcpstate {

// A share of the longest wait that is allowed after `failures` failures in a row: first, 2 * first, 4 * first, …, at most
// `longest`. `share` is drawn by the caller, between 0 and 1: with a share of their own, many that failed together do not
// come back together. Fewer failures than one count as one.
[[nodiscard]] inline std::chrono::milliseconds backoff(int failures, std::chrono::milliseconds first,
                                                       std::chrono::milliseconds longest, double share) {
  const int doublings = std::clamp(failures - 1, 0, 20);
  const auto whole = std::min(longest, first * (std::int64_t{1} << doublings));
  return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) * share));
}

}  // namespace mcpstate
