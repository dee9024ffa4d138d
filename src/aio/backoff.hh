// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <random>

#include "core/backoff.hh"

namespace mcpstate::aio {

// The wait of mcpstate::backoff with a random share between a half and the whole. Any thread.
[[nodiscard]] inline std::chrono::milliseconds backoff(int failures, std::chrono::milliseconds first,
                                                       std::chrono::milliseconds longest) {
  thread_local std::minstd_rand jitter{std::random_device{}()};
  std::uniform_real_distribution<double> share(0.5, 1.0);
  return mcpstate::backoff(failures, first, longest, share(jitter));
}

}  // namespace mcpstate::aio
