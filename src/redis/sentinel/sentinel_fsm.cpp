// SPDX-License-Identifier: MIT
#include "redis/sentinel/sentinel_fsm.hh"

#include <algorithm>
#include <cassert>
#include <functional>

namespace mcpstate::redis {
namespace {

using act = sentinel_action::kind;

// How much a failure says to whoever set this up.
int weight_of(const error& why) noexcept {
  switch (why.code()) {
    case errc::auth_failed:
    case errc::tls_failed:
      return 4;
    case errc::unsupported:
      return 3;
    case errc::protocol:
    case errc::loading:
      return 2;
    case errc::resolve_failed:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

sentinel_fsm::sentinel_fsm(sentinel_rules rules, std::vector<endpoint> seeds, std::uint64_t random)
    : rules_(rules), seeds_(std::move(seeds)), random_(random) {
  assert(!seeds_.empty());
}

void sentinel_fsm::start(time_point now) {
  started_ = true;
  now_ = now;
  patience_until_ = now + rules_.patience;
  next_look_ = now + rules_.gap_min;
  for (const endpoint& seed : seeds_) {
    const sentinel_id made = open(seed);
    if (made != 0) sentinels_.at(made).seed = true;
  }
}

void sentinel_fsm::ready(sentinel_id which, time_point now) {
  const auto found = sentinels_.find(which);
  if (found == sentinels_.end()) return;
  sentinel& each = found->second;
  each.now = status::ready;
  each.why.reset();
  each.pending = now;
  actions_.emplace_back(act::ask, which);
  settle(now);
}

void sentinel_fsm::lost(sentinel_id which, error why, time_point now) {
  const auto found = sentinels_.find(which);
  if (found == sentinels_.end()) return;
  sentinel& each = found->second;
  each.now = status::down;
  each.pending.reset();
  each.why = std::move(why);
  settle(now);
}

void sentinel_fsm::answered(sentinel_id which, result<sentinel_view> said, time_point now) {
  const auto found = sentinels_.find(which);
  if (found == sentinels_.end() || !found->second.pending) return;
  sentinel& each = found->second;
  const time_point asked = *std::exchange(each.pending, std::nullopt);
  if (!said) {
    each.why = said.error();
    // One that says that it does not know has taken back what it said.
    if (said.error().is(cond::unavailable) && said.error().code() != errc::connection_lost) each.view.reset();
    return settle(now);
  }
  each.why.reset();
  each.id = said->id;
  each.asked = asked;
  each.view = std::move(*said);
  if (asked < fresh_after_) {
    each.pending = now;
    actions_.emplace_back(act::ask, which);
  }
  close_twins(which);
  settle(now);
  const auto still = sentinels_.find(which);
  if (still == sentinels_.end() || !target_ || still->second.view->primary != *target_) return;
  down_after_ = still->second.view->down_after;
  const sentinel_view view = *still->second.view;
  learn(view);
}

void sentinel_fsm::switched(sentinel_id which, const primary_switch& what, time_point now) {
  if (!sentinels_.contains(which)) return;
  if (target_ && what.from == *target_ && what.to != *target_) {
    target_.reset();
    actions_.emplace_back(act::target);
    fresh_after_ = now;
    patience_until_ = now + rules_.patience;
    look(now);
  } else if (!target_ || what.to != *target_) {
    look_soon(now);
  }
  settle(now);
}

void sentinel_fsm::doubt(time_point now) {
  look_soon(now);
  settle(now);
}

void sentinel_fsm::set_unserved(bool any, time_point now) {
  unserved_ = any;
  if (any) look_soon(now);
  settle(now);
}

void sentinel_fsm::tick(time_point now) {
  if (now >= next_look_) look(now);
  settle(now);
}

sentinel_fsm::time_point sentinel_fsm::next_tick() const noexcept {
  if (!started_) return time_point::max();
  return !target_ && patience_until_ > now_ ? std::min(next_look_, patience_until_) : next_look_;
}

std::vector<sentinel_action> sentinel_fsm::take_actions() { return std::exchange(actions_, {}); }

const endpoint* sentinel_fsm::place(sentinel_id which) const {
  const auto found = sentinels_.find(which);
  return found == sentinels_.end() ? nullptr : &found->second.at;
}

std::optional<sentinel_fsm::time_point> sentinel_fsm::confirmed_at() const {
  if (!target_) return std::nullopt;
  std::vector<time_point> asked;
  for (const auto& [id, each] : sentinels_) {
    if (!each.view || each.asked < fresh_after_) continue;
    const sentinel_view& view = *each.view;
    if (view.primary == *target_ && view.epoch >= epoch_ && !view.down && !view.failing_over) asked.push_back(each.asked);
  }
  if (asked.size() < majority()) return std::nullopt;
  std::sort(asked.begin(), asked.end(), std::greater<>());
  return asked[majority() - 1];
}

// Sentinels.

sentinel_id sentinel_fsm::open(const endpoint& at) {
  for (const auto& [id, each] : sentinels_) {
    if (each.at == at) return 0;
  }
  if (sentinels_.size() >= rules_.max_sentinels) {
    const auto gone = std::find_if(sentinels_.begin(), sentinels_.end(),
                                   [](const auto& each) { return !each.second.seed && each.second.now == status::down; });
    if (gone == sentinels_.end()) return 0;
    close(gone->first);
  }
  sentinels_.emplace(++last_, sentinel(at));
  sentinel_action& made = actions_.emplace_back(act::open, last_);
  made.at = at;
  return last_;
}

void sentinel_fsm::close(sentinel_id which) {
  sentinels_.erase(which);
  actions_.emplace_back(act::close, which);
}

void sentinel_fsm::learn(const sentinel_view& view) {
  for (const sentinel_peer& peer : view.peers) {
    const bool known = std::any_of(sentinels_.begin(), sentinels_.end(), [&](const auto& each) {
      return each.second.at == peer.at || (!peer.id.empty() && each.second.id == peer.id);
    });
    if (!known) open(peer.at);
  }
}

// A Sentinel that is reached by two names has one vote.
void sentinel_fsm::close_twins(sentinel_id which) {
  const sentinel& self = sentinels_.at(which);
  if (self.id.empty()) return;
  for (const auto& [other, each] : sentinels_) {
    if (other == which || each.id != self.id) continue;
    return close(each.seed && !self.seed ? which : other);
  }
}

void sentinel_fsm::look(time_point now) {
  last_look_ = now;
  const bool urgent = unserved_ || !target_;
  // A primary is confirmed three times, at least, in the time in which Sentinels would give it up.
  const auto period = static_cast<double>(std::min(rules_.period, down_after_ / 3).count());
  const double from = urgent ? static_cast<double>(rules_.gap_min.count()) : 0.9 * period;
  const double to = urgent ? static_cast<double>(rules_.gap_max.count()) : 1.1 * period;
  next_look_ = now + std::chrono::milliseconds(static_cast<std::int64_t>(from + (to - from) * share()));
  for (auto& [id, each] : sentinels_) {
    if (each.now != status::ready || each.pending) continue;
    each.pending = now;
    actions_.emplace_back(act::ask, id);
  }
}

void sentinel_fsm::look_soon(time_point now) {
  next_look_ = std::min(next_look_, std::max(now, last_look_ + rules_.gap_min));
  if (now >= next_look_) look(now);
}

double sentinel_fsm::share() { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); }

// The decision.

void sentinel_fsm::settle(time_point now) {
  now_ = now;
  decide(now);
  note_failure(now);
}

bool sentinel_fsm::believed(const sentinel& each, time_point now) const {
  return each.view && each.asked >= fresh_after_ && now - each.asked <= rules_.believed;
}

sentinel_fsm::votes sentinel_fsm::count_votes(time_point now, bool current) const {
  votes out;
  for (const auto& [id, each] : sentinels_) {
    if (!believed(each, now) || (each.view->epoch >= epoch_) != current) continue;
    ++out[{each.view->epoch, each.view->primary}];
  }
  return out;
}

void sentinel_fsm::decide(time_point now) {
  std::size_t total = 0;
  for (const auto& [id, each] : sentinels_) {
    if (believed(each, now)) total = std::max(total, each.view->sentinels);
  }
  if (total == 0) return;
  total_ = total;
  const votes all = count_votes(now, true);
  if (all.empty()) return consider_regress(now);
  regress_since_.reset();
  auto best = all.begin();
  for (auto each = all.begin(); each != all.end(); ++each) {
    if (each->second >= best->second) best = each;  // of those with equally many, the latest configuration
  }
  const auto& [epoch, at] = best->first;
  const bool agreed = best->second >= majority();
  if (target_ && *target_ == at) {
    if (agreed) epoch_ = epoch;
  } else if (agreed || (!target_ && now >= patience_until_)) {
    take(at, epoch);
  }
}

// Every view is older than the target: Sentinels that missed a failover, or all of them were set up anew.
void sentinel_fsm::consider_regress(time_point now) {
  for (const auto& [what, count] : count_votes(now, false)) {
    if (count < majority()) continue;
    if (!regress_since_) regress_since_ = now;
    if (now - *regress_since_ < rules_.regress_after) return;
    regress_since_.reset();
    const auto& [epoch, at] = what;
    if (!target_ || *target_ != at) return take(at, epoch);
    epoch_ = epoch;
    return;
  }
  regress_since_.reset();
}

void sentinel_fsm::take(const endpoint& at, std::uint64_t epoch) {
  target_ = at;
  epoch_ = epoch;
  actions_.emplace_back(act::target);
}

void sentinel_fsm::note_failure(time_point now) {
  const bool hope = std::any_of(sentinels_.begin(), sentinels_.end(), [&](const auto& each) {
    return believed(each.second, now) || (each.second.now != status::down && !each.second.why);
  });
  const bool before = failure_.has_value();
  failure_ = hope ? std::nullopt : worst();
  if (failure_.has_value() != before) actions_.emplace_back(act::news);
}

std::optional<error> sentinel_fsm::worst() const {
  const error* found = nullptr;
  for (const auto& [id, each] : sentinels_) {
    if (each.why && (found == nullptr || weight_of(*each.why) > weight_of(*found))) found = &*each.why;
  }
  if (found == nullptr) return std::nullopt;
  return error(found->code(), "no Sentinel says where the primary is: " + found->detail(), found->peer_text());
}

}  // namespace mcpstate::redis
