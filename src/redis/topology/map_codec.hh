// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/core/error.hpp>

#include "redis/reply.hh"
#include "redis/topology/cluster_map.hh"
#include "redis/topology/endpoint.hh"

// Reads what a node says about its cluster. Pure; whatever a peer sends is read with care and within limits.
namespace mcpstate::redis {

// How the node was reached that answered.
struct map_reading {
  map_reading(endpoint where, bool over_tls, const nat_map& ways) : asked(std::move(where)), tls(over_tls), nat(ways) {}
  endpoint asked;
  bool tls;
  const nat_map& nat;
  std::size_t max_nodes = 2000;  // primaries and replicas; more is refused
};

// Asks for what read_view() reads.
[[nodiscard]] request ask_for_view();
inline constexpr std::size_t view_replies = 2;

// The answer to ask_for_view(). Where CLUSTER INFO is not permitted, the epoch is unknown.
// Failure: unsupported when this is no node of a cluster, protocol when its map cannot be understood or has too many nodes, and
// what the server's refusal means (loading, auth_failed, …).
[[nodiscard]] result<cluster_view> read_view(const std::vector<reply>& answers, const map_reading& how);

// The answer to CLUSTER SLOTS, and to CLUSTER SHARDS, which has more about health, and both ports. Failures as above.
[[nodiscard]] result<cluster_map> read_cluster_slots(const reply& answer, const map_reading& how);
[[nodiscard]] result<cluster_map> read_cluster_shards(const reply& answer, const map_reading& how);

}  // namespace mcpstate::redis
