// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "redis/reply.hh"
#include "redis/topology/endpoint.hh"

// What to ask a Sentinel about one primary, and what its answers mean. Pure; whatever a peer sends is read with care and within
// limits.
namespace mcpstate::redis {

// Another Sentinel, as one of them tells of it.
struct sentinel_peer {
  sentinel_peer() {}
  sentinel_peer(endpoint where, std::string name) : at(std::move(where)), id(std::move(name)) {}
  endpoint at;
  std::string id;  // its run id; empty when it is not known yet
};

// What one Sentinel knows of the primary.
struct sentinel_view {
  sentinel_view() {}
  endpoint primary;           // as we reach it
  std::uint64_t epoch = 0;    // of the configuration that made this the primary; grows with each failover
  bool down = false;          // it does not answer this Sentinel, or others say so
  bool failing_over = false;  // a failover from it, or to it, has not ended
  std::size_t sentinels = 1;  // that watch this primary, this one included
  std::string id;             // the Sentinel's own run id; empty when it may not be asked
  std::chrono::milliseconds down_after{30000};
  std::vector<sentinel_peer> peers;
};

// How the Sentinel was reached that answers.
struct sentinel_reading {
  sentinel_reading(endpoint where, const nat_map& ways, std::string primary_name)
      : asked(std::move(where)), nat(ways), name(std::move(primary_name)) {}
  endpoint asked;
  const nat_map& nat;
  std::string name;
  std::size_t max_peers = 32;  // more are not read
};

// Asks for what read_sentinel_view() reads.
[[nodiscard]] request ask_sentinel(const std::string& name);
inline constexpr std::size_t sentinel_replies = 4;

// The answer to ask_sentinel().
// Failure: unsupported when it knows no primary of this name or is no Sentinel; loading when it has not found out yet; protocol
// when its answer cannot be understood; and what its refusal means (auth_failed, …).
[[nodiscard]] result<sentinel_view> read_sentinel_view(const std::vector<reply>& answers, const sentinel_reading& how);

// The channel on which a Sentinel tells that it names another primary from now on.
inline constexpr const char* switch_channel = "+switch-master";

struct primary_switch {
  primary_switch(endpoint old_primary, endpoint new_primary) : from(std::move(old_primary)), to(std::move(new_primary)) {}
  endpoint from, to;
};
// A push of that channel about the primary of this name; absent for any other.
[[nodiscard]] std::optional<primary_switch> read_switch(const reply& push, const sentinel_reading& how);

// Whether a server is a primary by its answer to ROLE. Absent when it may not be asked that.
[[nodiscard]] std::optional<bool> says_primary(const reply& role) noexcept;

}  // namespace mcpstate::redis
