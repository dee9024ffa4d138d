// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "redis/topology/endpoint.hh"
#include "redis/topology/slot.hh"

// Which node of a cluster serves which slots, as one answer says it. Pure.
namespace mcpstate::redis {

// Slots from the first to the last, both among them.
struct slot_range {
  slot_range() {}
  slot_range(std::uint16_t from, std::uint16_t to) : first(from), last(to) {}
  std::uint16_t first = 0, last = 0;
  friend bool operator==(const slot_range&, const slot_range&) = default;
};

struct cluster_node {
  cluster_node() {}
  std::string id;              // 40 hexadecimal digits; may be empty
  std::optional<endpoint> at;  // absent: the node that answered does not know
  bool healthy = true;         // as that node sees it; a primary that has failed keeps its slots until another takes them
};

class cluster_map {
 public:
  using index = std::uint16_t;
  static constexpr index nobody = 0xffff;

  cluster_map() : owners_(slot_count, nobody) {}

  // Adds a primary, or finds the one with this id (without an id: this endpoint). At most 65535 of them.
  index add_primary(cluster_node node);
  void add_replica(cluster_node node);
  // Gives slots to a primary. A slot that another has stays with that one, and is an overlap.
  void assign(slot_range slots, index primary);

  // Null for a slot that nobody serves.
  [[nodiscard]] const cluster_node* primary_of(std::uint16_t slot) const noexcept;
  [[nodiscard]] std::span<const cluster_node> primaries() const noexcept { return primaries_; }
  [[nodiscard]] std::span<const cluster_node> replicas() const noexcept { return replicas_; }
  [[nodiscard]] std::size_t nodes() const noexcept { return primaries_.size() + replicas_.size(); }
  [[nodiscard]] std::size_t covered() const noexcept { return covered_; }
  // What no primary has, and what several claim.
  [[nodiscard]] std::vector<slot_range> holes() const;
  [[nodiscard]] const std::vector<slot_range>& overlaps() const noexcept { return overlaps_; }

 private:
  using places = std::unordered_map<std::string, index>;
  // The place of this node in the list, where it is added if need be.
  static index find_or_add(std::vector<cluster_node>& list, places& known, cluster_node node);

  std::vector<cluster_node> primaries_, replicas_;
  places primary_places_, replica_places_;
  std::vector<index> owners_;  // by slot
  std::vector<slot_range> overlaps_;
  std::size_t covered_ = 0;
};

// Whether two nodes are one: by their ids when both have one, else by their endpoints.
[[nodiscard]] bool same_node(const cluster_node& a, const cluster_node& b) noexcept;
// The slots that have another primary, or the same one elsewhere.
[[nodiscard]] std::vector<slot_range> changed_slots(const cluster_map& before, const cluster_map& after);
// Whether both have ids and no node is in both: these are two clusters.
[[nodiscard]] bool strangers(const cluster_map& a, const cluster_map& b);

// One answer of one node.
struct cluster_view {
  cluster_view() {}
  cluster_map map;
  std::uint64_t epoch = 0;  // of the cluster as this node knows it; 0 when it does not say
  bool serving = true;      // whether the node believes that the cluster works
  std::uint64_t asked = 0;  // of two views, the one with the larger number was asked for later
};

// The place of the view that is best to go by, `known` included by a null pointer when there is none yet: absent when all are
// worse than what is known. A view of a lower epoch than the known one, of another cluster, or without any slot where some
// are known never comes out.
[[nodiscard]] std::optional<std::size_t> choose_view(std::span<const cluster_view> views, const cluster_view* known);

}  // namespace mcpstate::redis
