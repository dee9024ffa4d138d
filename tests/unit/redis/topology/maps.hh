// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "redis/topology/cluster_map.hh"

// Maps of small clusters, for tests: each letter of a text is a node with an equal part of the slots, in this order. The node
// "b" has the id "id-b" and is at b:1.
namespace mcpstate::redis {

inline endpoint at(char letter) { return endpoint(std::string(1, letter), 1); }

inline cluster_node node_of(char letter, const std::string& id_prefix = "id-") {
  cluster_node out;
  out.id = id_prefix.empty() ? "" : id_prefix + letter;
  out.at = at(letter);
  return out;
}

inline slot_range part(std::size_t which, std::size_t parts) {
  const std::size_t size = slot_count / parts;
  const std::size_t last = which + 1 == parts ? slot_count - 1u : (which + 1) * size - 1;
  return {static_cast<std::uint16_t>(which * size), static_cast<std::uint16_t>(last)};
}

inline cluster_view view_of(const std::string& letters, std::uint64_t epoch = 0, const std::string& id_prefix = "id-") {
  cluster_view out;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    out.map.assign(part(i, letters.size()), out.map.add_primary(node_of(letters[i], id_prefix)));
  }
  out.epoch = epoch;
  return out;
}

}  // namespace mcpstate::redis
