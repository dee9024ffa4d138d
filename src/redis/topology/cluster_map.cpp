// SPDX-License-Identifier: MIT
#include "redis/topology/cluster_map.hh"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace mcpstate::redis {
namespace {

// Adds a slot to the end of a list of ranges.
void append(std::vector<slot_range>& ranges, std::uint16_t slot) {
  if (!ranges.empty() && ranges.back().last + 1 == slot) {
    ranges.back().last = slot;
  } else {
    ranges.emplace_back(slot, slot);
  }
}

template <class Condition>
std::vector<slot_range> slots_where(Condition holds) {
  std::vector<slot_range> out;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (holds(slot)) append(out, slot);
  }
  return out;
}

bool same_place(const cluster_node* a, const cluster_node* b) noexcept {
  if (a == nullptr || b == nullptr) return a == b;
  return same_node(*a, *b) && a->at == b->at;
}

std::unordered_set<std::string_view> ids_of(const cluster_map& map) {
  std::unordered_set<std::string_view> out;
  for (const auto& part : {map.primaries(), map.replicas()}) {
    for (const cluster_node& node : part) {
      if (!node.id.empty()) out.insert(node.id);
    }
  }
  return out;
}

// Whether going by this view could be a step back from what is known.
bool outdated(const cluster_view& view, const cluster_view& known) {
  if (strangers(view.map, known.map)) return true;
  if (view.epoch != 0 && known.epoch != 0 && view.epoch < known.epoch) return true;
  return view.map.covered() == 0 && known.map.covered() != 0;
}

}  // namespace

bool same_node(const cluster_node& a, const cluster_node& b) noexcept {
  if (!a.id.empty() && !b.id.empty()) return a.id == b.id;
  return a.at && a.at == b.at;
}

cluster_map::index cluster_map::find_or_add(std::vector<cluster_node>& list, places& known, cluster_node node) {
  assert(list.size() < nobody);
  const auto place = static_cast<index>(list.size());
  const bool nameless = node.id.empty() && !node.at;
  std::string name = !node.id.empty() ? node.id : nameless ? std::string() : shown(*node.at);
  if (!nameless) {
    const auto [found, added] = known.emplace(std::move(name), place);
    if (!added) return found->second;
  }
  list.push_back(std::move(node));
  return place;
}

cluster_map::index cluster_map::add_primary(cluster_node node) {
  return find_or_add(primaries_, primary_places_, std::move(node));
}

void cluster_map::add_replica(cluster_node node) { find_or_add(replicas_, replica_places_, std::move(node)); }

void cluster_map::assign(slot_range slots, index primary) {
  assert(slots.first <= slots.last && slots.last < slot_count && primary < primaries_.size());
  for (std::uint16_t slot = slots.first; slot <= slots.last; ++slot) {
    index& owner = owners_[slot];
    if (owner == nobody) {
      owner = primary;
      ++covered_;
    } else if (owner != primary) {
      append(overlaps_, slot);
    }
  }
}

const cluster_node* cluster_map::primary_of(std::uint16_t slot) const noexcept {
  const index owner = owners_[slot];
  return owner == nobody ? nullptr : &primaries_[owner];
}

std::vector<slot_range> cluster_map::holes() const {
  return slots_where([this](std::uint16_t slot) { return owners_[slot] == nobody; });
}

std::vector<slot_range> changed_slots(const cluster_map& before, const cluster_map& after) {
  // Neighbours mostly have the same two primaries.
  const cluster_node *last_old = nullptr, *last_new = nullptr;
  bool last_differs = false;
  return slots_where([&](std::uint16_t slot) {
    const cluster_node* const old_owner = before.primary_of(slot);
    const cluster_node* const new_owner = after.primary_of(slot);
    if (old_owner != last_old || new_owner != last_new) {
      last_old = old_owner;
      last_new = new_owner;
      last_differs = !same_place(old_owner, new_owner);
    }
    return last_differs;
  });
}

bool strangers(const cluster_map& a, const cluster_map& b) {
  const auto ours = ids_of(a), theirs = ids_of(b);
  if (ours.empty() || theirs.empty()) return false;
  return std::none_of(theirs.begin(), theirs.end(), [&ours](std::string_view id) { return ours.contains(id); });
}

std::optional<std::size_t> choose_view(std::span<const cluster_view> views, const cluster_view* known) {
  // How many views say the same as this one.
  const auto votes = [&views](const cluster_view& view) {
    return std::count_if(views.begin(), views.end(),
                         [&view](const cluster_view& other) { return changed_slots(view.map, other.map).empty(); });
  };
  const auto rank = [&](const cluster_view& view) {
    const bool stays = known != nullptr && changed_slots(view.map, known->map).empty();
    return std::tuple(view.serving, view.epoch, votes(view), view.map.covered(), stays, view.asked);
  };
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (known != nullptr && outdated(views[i], *known)) continue;
    if (!views[i].map.overlaps().empty()) continue;
    if (!best || rank(views[*best]) < rank(views[i])) best = i;
  }
  return best;
}

}  // namespace mcpstate::redis
