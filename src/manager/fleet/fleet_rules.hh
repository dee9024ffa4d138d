// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include <mcpstate/lease.hpp>

// How the processes of a fleet share the work. Pure.
namespace mcpstate {

// The number of connections that each process with the same reach manages when the work is shared evenly, rounded up.
// Connections of processes with another reach are not shared.
[[nodiscard]] inline std::size_t fair_share(const fleet& members, const instance_report& self) {
  std::uint64_t sharing = 0, others = 0;
  for (const instance_report& member : members.instances) {
    if (member.reach == self.reach || member.name == self.name) {
      ++sharing;
    } else {
      others += member.managed;
    }
  }
  sharing = std::max<std::uint64_t>(sharing, 1);
  const std::uint64_t shared = members.managed - std::min(others, members.managed);
  return static_cast<std::size_t>((shared + sharing - 1) / sharing);
}

// The reaches of other processes that differ from this one's: those processes may reach what this one does not.
[[nodiscard]] inline std::set<std::string> other_reaches(const fleet& members, const instance_report& self) {
  std::set<std::string> out;
  for (const instance_report& member : members.instances) {
    if (member.reach != self.reach && member.name != self.name) out.insert(member.reach);
  }
  return out;
}

// How many connections to hand over now. None while the number is little above the share, because each costs a new session;
// then a few at a time, so that most connections are up at any time.
[[nodiscard]] inline std::size_t surplus(std::size_t managed, std::size_t share) {
  if (managed <= share + share / 10 + 1) return 0;
  return std::min(managed - share, std::max<std::size_t>(4, managed / 16));
}

// The time a lease is taken for. It is shorter than lease_time by the time that other processes need to notice its end.
[[nodiscard]] inline std::chrono::milliseconds lease_span(std::chrono::milliseconds lease_time,
                                                          std::chrono::milliseconds beat_every) {
  return std::max<std::chrono::milliseconds>(lease_time / 2, lease_time - 3 * beat_every);
}

// How long an instance waits, on average, before it reads a further portion of all records (record_sweep), or begins anew when
// it has read them all. All instances together read one portion in two beats, and all records at most once in two lease times.
[[nodiscard]] inline std::chrono::milliseconds sweep_pause(std::chrono::milliseconds lease_time,
                                                           std::chrono::milliseconds beat_every, std::size_t instances,
                                                           bool complete) {
  const auto together = 2 * (complete ? lease_time : beat_every);
  return together * static_cast<int>(std::clamp<std::size_t>(instances, 1, 10'000));
}

// The time a beat reports for. It is written again when half of it is over: an idle process writes that seldom. A process that
// died is counted no longer than its leases run.
[[nodiscard]] inline std::chrono::milliseconds report_span(std::chrono::milliseconds lease_time,
                                                           std::chrono::milliseconds beat_every) {
  const auto shortest = std::max<std::chrono::milliseconds>(4 * beat_every, std::chrono::seconds(2));
  return std::min(lease_time, std::max(shortest, lease_span(lease_time, beat_every) / 2));
}

}  // namespace mcpstate
