// SPDX-License-Identifier: MIT
#include "redis/topology/router.hh"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mcpstate::redis {

router::router(router_rules rules, std::vector<endpoint> seeds, const nat_map& nat, std::uint64_t random)
    : rules_(rules), nat_(nat), topology_(rules.topology, std::move(seeds), random), random_(random + 1) {}

void router::stop() {
  stopped_ = true;
  while (!timed_.empty()) fail(timed_.begin()->second, error(errc::stopped, "the connections to the cluster are closed"));
}

unit_id router::submit(const unit_shape& shape, std::optional<std::uint16_t> slot, time_point until, time_point now) {
  std::size_t index = units_.size();
  if (free_.empty()) {
    units_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  unit& u = units_[index];
  ++u.generation;
  u.now = stage::sent;  // and nowhere yet
  u.shape = shape;
  u.slot = slot.value_or(slot_count);
  u.until = until;
  u.arrival = ++arrivals_;
  const unit_id id = id_of(u, index);
  if (stopped_) {
    fail(id, error(errc::stopped, "the connections to the cluster are closed"));
  } else {
    dispatch(id, now);
    settle(now);
  }
  return id;
}

void router::failed(unit_id id, error why, time_point now) {
  unit* const u = find(id);
  if (u == nullptr || u->now != stage::sent) return;
  const bool overdue = why.code() == errc::deadline || (why.code() == errc::outcome_unknown && now >= u->until);
  switch (why.code()) {
    case errc::connection_lost:
    case errc::connect_failed:
    case errc::resolve_failed:
    case errc::tls_failed:
    case errc::loading:
    case errc::stopped:
      u->pinned = no_node;
      u->asking = false;
      // A read may have been what broke the connection.
      if (stopped_ || (u->shape.kind == effect::read && std::exchange(u->reread, true))) {
        fail(id, std::move(why));
      } else {
        pause(id, *u, rules_.move_min, rules_.move_max, now);
      }
      break;
    default:
      fail(id, std::move(why));
  }
  // Silence says as much about a node as an end does.
  if (overdue) settle_after(now, [&] { topology_.doubt(now); });
}

void router::cancel(unit_id id) {
  unit* const u = find(id);
  if (u == nullptr) return;
  const bool lost = u->now == stage::sent && u->shape.kind == effect::write;
  fail(id, lost ? error(errc::outcome_unknown, "it was cancelled after it had been sent")
                : error(errc::stopped, "it was cancelled"));
}

void router::node_ready(node_id node, const server_hello& hello, const std::string& id, time_point now) {
  recheck_ = true;
  settle_after(now, [&] { topology_.ready(node, hello, id, now); });
}

void router::node_lost(node_id node, error why, time_point now) {
  recheck_ = true;  // who was sent there by a redirect goes where the map says
  settle_after(now, [&] { topology_.lost(node, std::move(why), now); });
}

void router::node_answered(node_id node, result<cluster_view> said, time_point now) {
  recheck_ = true;  // what a node is may be known now
  settle_after(now, [&] { topology_.answered(node, std::move(said), now); });
}

void router::tick(time_point now) {
  while (!timed_.empty() && timed_.begin()->first <= now) {
    const unit_id id = timed_.begin()->second;
    unit& u = *find(id);
    if (now >= u.until) {
      expire(id, u);
    } else {
      leave_waiting(id, u);
      dispatch(id, now);
    }
  }
  settle_after(now, [&] { topology_.tick(now); });
}

router::time_point router::next_tick() const {
  const time_point own = timed_.empty() ? time_point::max() : timed_.begin()->first;
  return std::min(own, topology_.next_tick());
}

void router::take_actions(std::vector<router_action>& into) {
  into.clear();
  into.swap(actions_);
}

router::unit* router::find(unit_id id) {
  const std::size_t index = id & 0xffffffffu;
  if (index >= units_.size()) return nullptr;
  unit& u = units_[index];
  return u.generation == id >> 32 && u.now != stage::free ? &u : nullptr;
}

// Sends a unit where it belongs now, or lets it wait until somebody is there.
void router::dispatch(unit_id id, time_point now) {
  unit& u = *find(id);
  if (u.pinned != no_node && !topology_.expected(u.pinned)) {
    u.pinned = no_node;
    u.asking = false;
  }
  const node_id node = u.pinned != no_node    ? u.pinned
                       : u.slot == slot_count ? topology_.any_primary()
                                              : topology_.owner(u.slot);
  if (node != no_node && topology_.usable(node)) {
    u.now = stage::sent;
    u.node = node;
    unit_send send;
    send.unit = id;
    send.node = node;
    send.asking = u.asking;
    send.commands = u.left;
    actions_.emplace_back(std::move(send));
    return;
  }
  if (const error* const why = topology_.failure()) return fail(id, *why);
  if (now >= u.until) return expire(id, u);
  if (timed_.size() >= rules_.max_waiting) {
    return fail(id, error(errc::queue_full, "too many requests wait for nodes of the cluster"));
  }
  wait(id, u, u.until, true);
  // Nobody serves this slot, as far as is known.
  if (node == no_node) topology_.doubt(now);
}

void router::wait(unit_id id, unit& u, time_point wake, bool blocked) {
  u.now = stage::waiting;
  u.wake = std::min(wake, u.until);
  u.blocked = blocked;
  timed_.emplace(u.wake, id);
  if (blocked) blocked_.emplace(std::pair(u.slot, u.arrival), id);
}

void router::leave_waiting(unit_id id, unit& u) {
  if (u.now != stage::waiting) return;
  timed_.erase({u.wake, id});
  if (std::exchange(u.blocked, false)) blocked_.erase({u.slot, u.arrival});
}

void router::finish(unit_id id, unit& u) {
  leave_waiting(id, u);
  const std::uint32_t generation = u.generation;
  u = unit();
  u.generation = generation;
  free_.push_back(static_cast<std::uint32_t>(id & 0xffffffffu));
}

void router::fail(unit_id id, error why) {
  unit& u = *find(id);
  if (u.any_ran && u.shape.kind == effect::write && !why.is(cond::outcome_unknown)) {
    why = error(errc::outcome_unknown, "a part of it was done before: " + why.detail(), why.peer_text());
  }
  finish(id, u);
  actions_.emplace_back(unit_failed{id, std::move(why)});
}

void router::expire(unit_id id, unit& u) {
  if (u.last == refusal_kind::none) return fail(id, error(errc::deadline, "no node of the cluster took it in time"));
  fail(id, error(code_of(u.last), "until the deadline " + std::string(words_of(u.last))));
}

// Tries those again that wait for these slots; for any, if there are none.
void router::release_blocked(const std::vector<slot_range>* slots, time_point now) {
  std::vector<unit_id> released;
  if (slots == nullptr) {
    for (const auto& [place, id] : blocked_) released.push_back(id);
  } else {
    for (const slot_range& each : *slots) {
      auto next = blocked_.lower_bound({each.first, 0});
      for (; next != blocked_.end() && next->first.first <= each.last; ++next) released.push_back(next->second);
    }
  }
  for (const unit_id id : released) {
    unit* const u = find(id);
    if (u == nullptr || !u->blocked) continue;
    leave_waiting(id, *u);
    dispatch(id, now);
  }
}

// Hands on what the topology wants, and lets units go on where it has changed.
void router::settle(time_point now) {
  for (;;) {
    std::vector<topology_action> wanted = topology_.take_actions();
    const bool anybody = std::exchange(recheck_, false);
    if (wanted.empty() && !anybody) return;
    bool all = anybody;
    std::vector<slot_range> changed;
    for (topology_action& each : wanted) {
      if (each.what == topology_action::kind::fail) all = true;
      if (each.what == topology_action::kind::changed) changed.insert(changed.end(), each.slots.begin(), each.slots.end());
      actions_.emplace_back(std::move(each));
    }
    if (blocked_.empty()) continue;
    if (all) {
      release_blocked(nullptr, now);
    } else if (!changed.empty()) {
      release_blocked(&changed, now);
    }
  }
}

}  // namespace mcpstate::redis
