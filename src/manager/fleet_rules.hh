// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include <mcpstate/manager.hpp>

// How the processes of a fleet share the work. Pure.
namespace mcpstate {

// What each of those keeps that reach the same servers, when all of them keep the same; the rest of a division counts for
// everybody. What others keep, who reach other servers, is theirs.
[[nodiscard]] inline std::size_t fair_share(const fleet& all, const instance_report& me) {
  std::uint64_t same = 0, theirs = 0;
  for (const instance_report& each : all.instances) {
    if (each.reach == me.reach || each.name == me.name) {
      ++same;
    } else {
      theirs += each.kept;
    }
  }
  same = std::max<std::uint64_t>(same, 1);
  const std::uint64_t ours = all.managed - std::min(theirs, all.managed);
  return static_cast<std::size_t>((ours + same - 1) / same);
}

// The different reaches of the others, by which somebody may get to where this process does not.
[[nodiscard]] inline std::set<std::string> other_reaches(const fleet& all, const instance_report& me) {
  std::set<std::string> out;
  for (const instance_report& each : all.instances) {
    if (each.reach != me.reach && each.name != me.name) out.insert(each.reach);
  }
  return out;
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
