// SPDX-License-Identifier: MIT
#include "redis/topology/topology_fsm.hh"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mcpstate::redis {
namespace {

using kind = topology_action::kind;

std::optional<error> unfit(const server_hello& hello) {
  if (hello.mode == "cluster") return std::nullopt;
  if (hello.mode == "sentinel") return error(errc::unsupported, "what answers there is a Sentinel, no node of a cluster");
  return error(errc::unsupported, "what answers there is a server of its own, no node of a cluster");
}

}  // namespace

topology_fsm::topology_fsm(topology_rules rules, std::vector<endpoint> seeds, std::uint64_t random)
    : rules_(rules), seeds_(std::move(seeds)), random_(random), owners_(slot_count, no_node) {
  assert(!seeds_.empty());
}

void topology_fsm::start(time_point now) {
  started_ = true;
  wanted_ = doubtful_ = true;
  earliest_ = periodic_ = now;
  advance(now);
}

void topology_fsm::ready(node_id node, const server_hello& hello, const std::string& id, time_point now) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  node_state& state = found->second;
  if (auto why = unfit(hello)) {
    state.unfit = true;
    return lost(node, std::move(*why), now);
  }
  state.now = status::ready;
  state.replica = is_replica(hello);
  state.slow = false;
  state.id = id;
  state.ready_ticket = ++ticket_;
  if (round_) round_->tried.erase(state.at);
  if (state.owner && !usable(node)) return doubt(now);
  advance(now);
}

void topology_fsm::lost(node_id node, error why, time_point now) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  found->second.now = status::down;
  note_failure(found->second.at, std::move(why));
  if (round_) round_->pending.erase(node);
  // Primaries of the map connect again by themselves. Others are opened again when somebody is needed who can be asked.
  if (!found->second.owner) close(node);
  doubt(now);
}

void topology_fsm::answered(node_id node, result<cluster_view> said, time_point now) {
  if (!round_) return;
  const auto asked = round_->pending.find(node);
  if (asked == round_->pending.end()) return;
  const std::uint64_t ticket = asked->second;
  round_->pending.erase(asked);
  if (said && said->map.primaries().size() > rules_.max_primaries) {
    said = error(errc::protocol, "the cluster has more primaries than can be connected to");
  }
  if (!said) {
    note_failure(nodes_.at(node).at, said.error());
  } else {
    nodes_.at(node).slow = false;
    said->asked = ticket;
    // Nodes that differ are not believed before others were asked.
    if (known_ && !changed_slots(known_->map, said->map).empty()) round_->width = std::max(round_->width, rules_.width);
    const bool decisive = decides(*said);
    round_->views.push_back(std::move(*said));
    if (decisive) return end_round(now);
  }
  advance(now);
}

node_id topology_fsm::moved(std::uint16_t slot, const std::optional<endpoint>& to, node_id from, time_point now) {
  if (to && from != no_node && find(*to) == from) {
    distrust(from, now);
    return find(*to);
  }
  const node_id target = redirect(to, now);
  if (target != no_node && owners_[slot] != target) {
    owners_[slot] = target;
    patches_[slot] = {target, ++ticket_};
    changed_since_ = true;
    topology_action change(kind::changed);
    change.slots.emplace_back(slot, slot);
    actions_.push_back(std::move(change));
  }
  doubt(now);
  return target;
}

node_id topology_fsm::importing(const std::optional<endpoint>& to, time_point now) {
  const node_id target = redirect(to, now);
  doubt(now);
  return target;
}

void topology_fsm::doubt(time_point now) {
  wanted_ = doubtful_ = true;
  advance(now);
}

void topology_fsm::distrust(node_id node, time_point now) {
  const auto found = nodes_.find(node);
  // One that was opened just now is the new one already.
  if (found != nodes_.end() && now - found->second.opened >= rules_.gap_min) replace(node, now);
  doubt(now);
}

void topology_fsm::tick(time_point now) { advance(now); }

topology_fsm::time_point topology_fsm::next_tick() const noexcept {
  if (!started_) return time_point::max();
  if (round_) return round_->until;
  return wanted_ ? earliest_ : std::max(periodic_, earliest_);
}

std::vector<topology_action> topology_fsm::take_actions() { return std::exchange(actions_, {}); }

bool topology_fsm::usable(node_id node) const {
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.now != status::ready) return false;
  const node_state& state = found->second;
  if (!state.owner) return true;  // a redirect led there
  return !state.replica && (state.id.empty() || state.expected.empty() || state.id == state.expected);
}

bool topology_fsm::expected(node_id node) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && (found->second.now == status::opening || usable(node));
}

node_id topology_fsm::any_primary() {
  auto next = places_.upper_bound(last_any_);
  for (std::size_t i = 0; i < places_.size(); ++i, ++next) {
    if (next == places_.end()) next = places_.begin();
    if (!nodes_.at(next->second).owner || !usable(next->second)) continue;
    last_any_ = next->first;
    return next->second;
  }
  return no_node;
}

const endpoint* topology_fsm::place(node_id node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second.at;
}

node_id topology_fsm::open(const endpoint& at, time_point now) {
  const node_id node = ++last_node_;
  node_state& state = nodes_[node];
  state.at = at;
  state.opened = now;
  places_[at] = node;
  topology_action action(kind::open, node);
  action.at = at;
  actions_.push_back(std::move(action));
  return node;
}

void topology_fsm::close(node_id node) {
  const auto found = nodes_.find(node);
  if (const auto place = places_.find(found->second.at); place != places_.end() && place->second == node)
    places_.erase(place);
  nodes_.erase(found);
  if (round_) round_->pending.erase(node);
  std::replace(owners_.begin(), owners_.end(), node, no_node);
  std::erase_if(patches_, [node](const auto& each) { return each.second.node == node; });
  actions_.emplace_back(kind::close, node);
}

node_id topology_fsm::replace(node_id node, time_point now) {
  const node_state old = nodes_.at(node);
  const node_id fresh = open(old.at, now);
  nodes_[fresh].owner = old.owner;
  nodes_[fresh].expected = old.expected;
  nodes_[fresh].redirected = old.redirected;
  std::replace(owners_.begin(), owners_.end(), node, fresh);
  for (auto& [slot, each] : patches_) each.node = each.node == node ? fresh : each.node;
  close(node);
  return fresh;
}

node_id topology_fsm::find(const endpoint& at) const {
  const auto found = places_.find(at);
  return found == places_.end() ? no_node : found->second;
}

std::size_t topology_fsm::extra_nodes() const {
  return static_cast<std::size_t>(
      std::count_if(nodes_.begin(), nodes_.end(), [](const auto& each) { return !each.second.owner; }));
}

// Where a redirect leads. A redirect to ever new places does not open ever more connections.
node_id topology_fsm::redirect(const std::optional<endpoint>& to, time_point now) {
  if (!to) return no_node;
  node_id node = find(*to);
  if (node == no_node && extra_nodes() < rules_.max_extra) node = open(*to, now);
  if (node != no_node) nodes_.at(node).redirected = now;
  return node;
}

void topology_fsm::adopt(cluster_view view, time_point now) {
  const std::uint64_t asked = view.asked;
  const std::vector<node_id> before = owners_;
  known_ = std::move(view);
  open_primaries(now);
  apply_patches(asked);
  topology_action change(kind::changed);
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (before[slot] == owners_[slot]) continue;
    if (change.slots.empty() || change.slots.back().last + 1 != slot) change.slots.emplace_back(slot, slot);
    change.slots.back().last = slot;
  }
  close_leavers(now);
  if (change.slots.empty()) return;
  changed_since_ = true;
  actions_.push_back(std::move(change));
}

void topology_fsm::open_primaries(time_point now) {
  for (auto& [id, state] : nodes_) state.owner = false;
  std::unordered_map<const cluster_node*, node_id> nodes;
  for (const cluster_node& primary : known_->map.primaries()) {
    if (!primary.at) continue;
    node_id node = find(*primary.at);
    if (node == no_node) node = open(*primary.at, now);
    node_state* state = &nodes_.at(node);
    state->owner = true;
    state->expected = primary.id;
    // It was a replica when it was connected, and has been promoted since.
    if (state->ready_ticket < known_->asked) state->replica = false;
    const bool other = state->now == status::ready && !state->id.empty() && !primary.id.empty() && state->id != primary.id;
    if ((other || state->unfit) && now - state->opened >= rules_.gap_min) node = replace(node, now);
    nodes[&primary] = node;
  }
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    const auto found = nodes.find(known_->map.primary_of(slot));
    owners_[slot] = found == nodes.end() ? no_node : found->second;
  }
}

// A redirect that came after the map was asked for is newer than the map.
void topology_fsm::apply_patches(std::uint64_t after) {
  std::erase_if(patches_, [after](const auto& each) { return each.second.ticket < after; });
  for (const auto& [slot, each] : patches_) owners_[slot] = each.node;
}

void topology_fsm::close_leavers(time_point now) {
  std::vector<node_id> leavers;
  for (const auto& [id, state] : nodes_) {
    const bool redirected = state.redirected && now - *state.redirected < rules_.keep_redirected;
    if (!state.owner && !redirected) leavers.push_back(id);
  }
  std::sort(leavers.begin(), leavers.end());
  for (const node_id node : leavers) close(node);
}

bool topology_fsm::any_owner_usable() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [this](const auto& each) { return each.second.owner && usable(each.first); });
}

bool topology_fsm::any_owner_unusable() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [this](const auto& each) { return each.second.owner && !usable(each.first); });
}

}  // namespace mcpstate::redis
