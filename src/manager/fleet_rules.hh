// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <mcpstate/manager.hpp>

// How the processes of a fleet share the work. Pure.
namespace mcpstate {

// What each of them keeps when all keep the same; the rest of a division counts for everybody.
[[nodiscard]] inline std::size_t fair_share(std::uint64_t managed, std::size_t instances) {
  const auto all = std::max<std::uint64_t>(instances, 1);
  return static_cast<std::size_t>((managed + all - 1) / all);
}

// How many to hand over now: none for a little more than the share, which is not worth a new session; then a few at a time,
// so that most connections are up at any time.
[[nodiscard]] inline std::size_t to_hand_over(std::size_t kept, std::size_t share) {
  if (kept <= share + share / 10 + 1) return 0;
  return std::min(kept - share, std::max<std::size_t>(4, kept / 16));
}

// How long a lease is taken for: so much less than the promised time as others need to notice that it has run out.
[[nodiscard]] inline std::chrono::milliseconds lease_span(const manager_options& options) {
  return std::max<std::chrono::milliseconds>(options.lease_time / 2, options.lease_time - 3 * options.beat_every);
}

}  // namespace mcpstate
