// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string_view>

#include "redis/reply.hh"
#include "redis/topology/endpoint.hh"

// What an error reply says about who should have been asked, or when. Pure.
namespace mcpstate::redis {

enum class refusal_kind {
  none,              // an answer, or an error about the command itself
  moved,             // another node has the slot
  ask,               // another node has these keys already; only for this once
  try_again,         // the keys of one command are being moved, and lie on two nodes
  cluster_down,      // the cluster does not serve this slot, or any
  cross_slot,        // the keys of one command lie in several slots
  loading,           // the node is loading its data
  master_down,       // a replica that has lost its primary
  read_only,         // a replica
  no_replicas,       // a primary with fewer replicas than it needs for a write
  busy,              // a script runs for long
  too_many_clients,  // the node takes no more connections
  interrupted,       // a script lost a slot while it ran: it may have written before
};

// A command that was refused has not run, but for `interrupted`.
struct refusal {
  refusal() {}
  refusal_kind kind = refusal_kind::none;
  // Of moved and ask. One whose words cannot be understood has an unknown target.
  std::uint16_t slot = 0;
  announced_endpoint target;
};

[[nodiscard]] refusal read_refusal(const reply& answer);

// For people, as the end of a sentence: "the slot is being moved". Not for none.
[[nodiscard]] std::string_view words_of(refusal_kind kind) noexcept;
// The code of an error when nothing but this was heard until the deadline. Not for none.
[[nodiscard]] errc code_of(refusal_kind kind) noexcept;

}  // namespace mcpstate::redis
