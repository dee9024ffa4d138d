// SPDX-License-Identifier: MIT
// The part of topology_fsm that asks: whom, how many, and what follows from the answers.
#include <algorithm>
#include <cassert>
#include <utility>

#include "core/backoff.hh"
#include "redis/topology/topology_fsm.hh"

namespace mcpstate::redis {

using kind = topology_action::kind;

void topology_fsm::advance(time_point now) {
  if (!started_) return;
  if (!round_) {
    if (now >= periodic_) wanted_ = true;
    if (!wanted_ || now < earliest_) return;
    begin_round(now);
  }
  if (now >= round_->until) pass_over_silent(now);
  // Whoever can be asked is asked at once; who must be connected to first, only when nobody has answered.
  const bool asked = ask_candidates();
  if (asked || !round_->pending.empty()) return;
  if (!round_->views.empty()) return end_round(now);
  if (!open_candidates(now)) fail_round(now);
}

void topology_fsm::begin_round(time_point now) {
  round_.emplace();
  round_->until = now + rules_.answer_within;
  round_->width = doubtful_ ? rules_.width : 1;
  wanted_ = doubtful_ = false;
  round_failure_.reset();
  for (const auto& [id, state] : nodes_) {
    if (state.now == status::down) round_->tried.insert(state.at);
  }
}

// Nodes that were asked and say nothing are passed over for this round, and come last in the next.
void topology_fsm::pass_over_silent(time_point now) {
  for (const auto& [node, ticket] : round_->pending) {
    node_state& silent = nodes_.at(node);
    silent.slow = true;
    note_failure(silent.at, error(errc::deadline, "a node of the cluster does not say which slots it has"));
  }
  if (!round_->pending.empty()) doubtful_ = wanted_ = true;
  round_->pending.clear();
  round_->until = now + rules_.answer_within;
}

bool topology_fsm::ask_candidates() {
  std::vector<std::tuple<bool, bool, std::uint64_t, node_id>> candidates;
  for (const auto& [id, state] : nodes_) {
    if (state.now == status::ready && !round_->tried.contains(state.at)) {
      candidates.emplace_back(state.slow, !state.owner, 0, id);
    }
  }
  std::sort(candidates.begin(), candidates.end());
  for (auto& each : candidates) std::get<2>(each) = random_();
  std::sort(candidates.begin(), candidates.end());
  bool asked = false;
  for (const auto& [slow, extra, order, node] : candidates) {
    if (round_->pending.size() + round_->views.size() >= round_->width) break;
    round_->tried.insert(nodes_.at(node).at);
    round_->pending.emplace(node, ++ticket_);
    actions_.emplace_back(kind::ask, node);
    asked = true;
  }
  return asked;
}

// Connects to who could be asked: seeds, then replicas of the last map. Answers whether there is anybody to wait for.
bool topology_fsm::open_candidates(time_point now) {
  bool any = false;
  std::size_t waiting = 0;
  for (const auto& [id, state] : nodes_) {
    if (state.now != status::opening) continue;
    any = true;
    // One that takes its time does not hold up the others.
    if (now - state.opened < rules_.answer_within) ++waiting;
  }
  const auto consider = [&](const endpoint& at) {
    if (waiting >= rules_.width || round_->tried.contains(at) || find(at) != no_node) return;
    if (extra_nodes() >= rules_.max_extra) return;
    open(at, now);
    ++waiting;
    any = true;
  };
  for (const endpoint& seed : seeds_) consider(seed);
  if (known_) {
    for (const cluster_node& replica : known_->map.replicas()) {
      if (replica.at) consider(*replica.at);
    }
  }
  return any;
}

// Whether nobody else need be heard: a first map that is whole, or one of a later epoch than ours.
bool topology_fsm::decides(const cluster_view& view) const {
  if (!view.serving || !view.map.overlaps().empty()) return false;
  if (!known_) return view.map.covered() == slot_count;
  return known_->epoch != 0 && view.epoch > known_->epoch && !strangers(known_->map, view.map);
}

void topology_fsm::end_round(time_point now) {
  if (known_ && nobody_known_answers()) {
    // Every node of the cluster has gone, and another one stands at the addresses that we were given.
    const bool all_strangers = std::all_of(round_->views.begin(), round_->views.end(),
                                           [this](const cluster_view& view) { return strangers(known_->map, view.map); });
    if (all_strangers) known_.reset();
  }
  const auto chosen = choose_view(round_->views, known_ ? &*known_ : nullptr);
  if (!chosen) {
    note_failure(endpoint(),
                 error(errc::protocol, "what answers there belongs to another cluster, or to an older state of it"));
    round_->views.clear();
    return advance(now);  // others may be asked
  }
  failure_.reset();
  adopt(std::move(round_->views[*chosen]), now);
  round_.reset();
  quiet_rounds_ = std::exchange(changed_since_, false) ? 0 : quiet_rounds_ + 1;
  const bool lame = any_owner_unusable();
  earliest_ = now + backoff(quiet_rounds_ + 1, rules_.gap_min, lame ? rules_.gap_lame : rules_.gap_max, 1.0);
  const double share = std::uniform_real_distribution<double>(0.8, 1.2)(random_);
  periodic_ = now + std::chrono::duration_cast<topology_rules::span>(rules_.period * share);
  if (lame) wanted_ = doubtful_ = true;
}

void topology_fsm::fail_round(time_point now) {
  round_.reset();
  close_leavers(now);  // whoever is open still and is no primary was of no use
  ++quiet_rounds_;
  earliest_ = now + backoff(quiet_rounds_, rules_.gap_min, rules_.gap_max, 1.0);
  wanted_ = doubtful_ = true;
  if (any_owner_usable()) return;  // the map that we have does for now
  failure_ = round_failure_ ? *round_failure_ : error(errc::connect_failed, "no node of the cluster can be reached");
  topology_action action(kind::fail);
  action.why = failure_;
  actions_.push_back(std::move(action));
}

bool topology_fsm::nobody_known_answers() const {
  return std::none_of(nodes_.begin(), nodes_.end(), [this](const auto& each) {
    const node_state& state = each.second;
    if (!state.owner || state.now != status::ready) return false;
    return state.id.empty() ? !round_->tried.contains(state.at) : state.id == state.expected;
  });
}

// Of several reasons the one is told that a person can do something about.
void topology_fsm::note_failure(const endpoint& at, error why) {
  if (round_) round_->tried.insert(at);
  const auto weight = [](const error& e) {
    return e.code() == errc::unsupported || e.code() == errc::auth_failed || e.code() == errc::tls_failed ? 2 : 1;
  };
  if (!round_failure_ || weight(why) >= weight(*round_failure_)) round_failure_ = std::move(why);
}

}  // namespace mcpstate::redis
