// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis/topology/cluster_map.hh"

// What a node of a cluster says about its own slots in CLUSTER NODES. Pure.
namespace mcpstate::redis {

struct own_slots {
  own_slots() {}
  std::string id;
  std::vector<slot_range> owned;       // ascending; those that are leaving are among them
  std::vector<std::uint16_t> leaving;  // slots whose keys are being moved to another node
};

// Reads the line of the node that answered. Failure: protocol, where there is no such line or it cannot be understood.
[[nodiscard]] result<own_slots> read_own_slots(std::string_view cluster_nodes);

// The slots of `ranges` that the node does not have, and those that are leaving it. Ascending.
[[nodiscard]] std::vector<std::uint16_t> missing_slots(const std::vector<slot_range>& ranges, const own_slots& node);

}  // namespace mcpstate::redis
