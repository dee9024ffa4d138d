// SPDX-License-Identifier: MIT
#include "manager/keeper_fsm.hh"

#include <algorithm>
#include <utility>

namespace mcpstate {

namespace {

using kind = keeper_fsm::step::kind;
using span = keeper_fsm::span;

constexpr int most_misses = 2;       // checks that get no answer, before the session is given up
constexpr int lists_per_check = 10;  // a server that does not announce new lists is asked every so many checks

// d, give or take a tenth.
span about(span d, double dice) { return std::chrono::duration_cast<span>(d * (0.9 + 0.2 * dice)); }

bool is_due(const std::optional<keeper_fsm::clock::time_point>& at, keeper_fsm::clock::time_point now) {
  return at && *at <= now;
}

}  // namespace

keeper_fsm::steps keeper_fsm::start() { return {step(kind::read)}; }

keeper_fsm::steps keeper_fsm::let_go(lease_end how, std::uint64_t seen) {
  phase_ = phase::over;
  step end(kind::end);
  end.how = how;
  end.seen = seen;
  return {step(kind::close), end};
}

keeper_fsm::steps keeper_fsm::hand_over() { return phase_ == phase::over ? steps() : let_go(lease_end::hand_over); }

keeper_fsm::steps keeper_fsm::lease_gone() {
  phase_ = phase::over;
  return {step(kind::close)};
}

void keeper_fsm::note_record(const sight& what) {
  known_ = true;
  revision_ = what.revision;
  shown_ = what.state;
  place_ = what.place;
  mark_ = what.mark;
  tools_hash_ = what.tools_hash;
  tool_count_ = what.tool_count;
}

keeper_fsm::steps keeper_fsm::seen(moment m, const sight& what) {
  if (phase_ == phase::over) return {};
  read_at_.reset();
  if (!what.present || !what.managed || what.state == status::disconnected)
    return let_go(lease_end::over, what.present ? what.revision : 0);
  if (!known_) return first_look(m, what);
  return what.revision < revision_ || knows(what) ? steps() : look_again(m, what);
}

bool keeper_fsm::knows(const sight& what) const {
  return known_ && what.present && what.revision == revision_ && (!what.altered || what.mark == mark_);
}

// Whoever takes over goes on where the other one stopped. What failed for good for another is tried once: this process may
// know other credentials, or another server under that name.
keeper_fsm::steps keeper_fsm::first_look(moment m, const sight& what) {
  note_record(what);
  const bool failed = what.state == status::failed || what.state == status::auth_required;
  if (!failed || what.altered) return open_anew();
  attempt_ = what.attempt;
  wants_credentials_ = what.state == status::auth_required;
  phase_ = what.retry_in || what.in_reach ? phase::waiting : phase::stuck;
  if (phase_ == phase::stuck) return {};
  const span pause = what.retry_in.value_or(std::chrono::duration_cast<span>(rules_.first_retry * m.dice));
  retry_at_ = m.now + std::clamp<span>(pause, span(0), rules_.last_retry);
  return {};
}

keeper_fsm::steps keeper_fsm::look_again(moment m, const sight& what) {
  const bool elsewhere = what.place != place_;
  const bool failing = phase_ == phase::waiting || phase_ == phase::stuck;
  const bool as_we_said = failing && !what.altered && what.attempt == attempt_ && what.state == truth(m).to;
  note_record(what);
  if (elsewhere) return open_anew();
  if (as_we_said) {  // a write of ours whose answer was lost
    write_at_.reset();
    return {};
  }
  const bool order = what.state == status::connecting;
  if (order) attempt_ = 0;
  if (phase_ == phase::opening) return {};  // its outcome is what is wanted to be known
  if (order || phase_ != phase::up) return open_anew();
  // Somebody else says how it is, and maybe which tools there are.
  doubted_ = true;
  list_at_ = m.now;
  return tick(m);
}

keeper_fsm::steps keeper_fsm::open_anew() {
  const bool there = phase_ == phase::up || phase_ == phase::opening;
  attempt_ = 0;
  quick_ = false;
  return begin_opening(there);
}

keeper_fsm::steps keeper_fsm::begin_opening(bool close_first) {
  phase_ = phase::opening;
  doubted_ = pinging_ = listing_ = offer_tools_ = offer_empty_ = offer_facts_ = empty_once_ = false;
  for (when* each : {&check_at_, &list_at_, &retry_at_, &write_at_}) each->reset();
  steps out;
  if (close_first) out.emplace_back(kind::close);
  out.emplace_back(kind::open);
  return out;
}

keeper_fsm::steps keeper_fsm::moved(moment) {
  return phase_ == phase::over || phase_ == phase::reading ? steps() : open_anew();
}

keeper_fsm::steps keeper_fsm::read_failed(moment m) {
  if (phase_ != phase::over) read_at_ = m.now + rules_.store_pause;
  return {};
}

void keeper_fsm::plan_check(moment m) {
  misses_ = 0;
  check_at_ = m.now + about(rules_.check_every, m.dice);
}

// The server's word how long a list is fresh is a hint: nobody is asked more often than checked.
void keeper_fsm::plan_refresh(moment m, const listing& what) {
  list_at_.reset();
  if (!what.has_tools) return;
  const bool said = what.fresh_for && what.fresh_for->count() > 0;
  if (said) {
    list_at_ = m.now + about(std::max(*what.fresh_for, rules_.check_every), m.dice);
  } else if (!what.announced) {
    list_at_ = m.now + about(rules_.check_every * lists_per_check, m.dice);
  }
}

// Whether the list is to be written. An empty one replaces a good one only when it was answered twice: a server that has
// just been started may not have its tools yet.
bool keeper_fsm::note_list(moment m, const listing& what) {
  plan_refresh(m, what);
  offer_tools_ = offer_empty_ = false;
  const bool emptied = what.count == 0 && tool_count_ > 0;
  if (what.hash == tools_hash_ || !emptied) empty_once_ = false;
  if (what.hash == tools_hash_) return false;
  if (emptied && !std::exchange(empty_once_, true)) {
    list_at_ = m.now + rules_.check_every;
    return false;
  }
  offer_tools_ = true;
  offer_empty_ = emptied;
  return true;
}

keeper_fsm::steps keeper_fsm::opened(moment m, const listing& what) {
  if (phase_ != phase::opening) return {};
  const bool again = list_at_.has_value();  // something was announced meanwhile
  phase_ = phase::up;
  up_since_ = m.now;
  doubted_ = false;
  static_cast<void>(note_list(m, what));
  if (again) list_at_ = m.now + rules_.list_pause;
  plan_check(m);
  offer_facts_ = true;
  return {truth(m)};
}

// Full jitter: anything up to the whole of it, so that those who failed together do not come back together.
span keeper_fsm::back_off(double dice) const {
  const auto doublings = std::min<std::uint32_t>(attempt_ - 1, 20);
  const auto whole = std::min(rules_.last_retry, rules_.first_retry * (std::int64_t{1} << doublings));
  return std::chrono::duration_cast<span>(whole * dice);
}

keeper_fsm::steps keeper_fsm::wait_for_next(moment m, steps before) {
  ++attempt_;
  phase_ = phase::waiting;
  retry_at_ = m.now + back_off(m.dice);
  before.push_back(truth(m));
  return before;
}

keeper_fsm::steps keeper_fsm::failed(moment m, trouble why) {
  if (phase_ != phase::opening) return {};
  if (why == trouble::transient) return wait_for_next(m, {});
  ++attempt_;
  phase_ = phase::stuck;
  wants_credentials_ = why == trouble::unauthorized;
  return {truth(m)};
}

keeper_fsm::steps keeper_fsm::lost(moment m) {
  if (phase_ != phase::up) return {};
  pinging_ = listing_ = false;
  if (m.now - up_since_ >= rules_.steady_after) {
    attempt_ = 0;
    quick_ = false;
  }
  if (attempt_ > 0 || std::exchange(quick_, true)) return wait_for_next(m, {step(kind::close)});
  return begin_opening(true);
}

// Servers and proxies end idle streams now and then, and some do it all the time: one check in so many seconds finds out
// that a server is gone, and is no burden to one that is not.
void keeper_fsm::stream_ended(moment m) {
  if (phase_ != phase::up || pinging_) return;
  const auto at = early_at_ ? std::max(m.now, *early_at_ + rules_.early_pause) : m.now;
  if (check_at_ && *check_at_ <= at) return;
  check_at_ = early_at_ = at;
}

void keeper_fsm::list_changed(moment m) {
  if (listing_ || !list_at_ || *list_at_ > m.now + rules_.list_pause) list_at_ = m.now + rules_.list_pause;
}

keeper_fsm::steps keeper_fsm::listed(moment m, const listing& what) {
  if (phase_ != phase::up) return {};
  listing_ = false;
  plan_check(m);
  const when again = list_at_;  // announced while it was listed
  const bool write = note_list(m, what);
  if (again) list_at_ = again;
  if (!write && !doubted_) return {};
  doubted_ = false;
  return {truth(m)};
}

keeper_fsm::steps keeper_fsm::list_failed(moment m, bool broken) {
  if (phase_ != phase::up) return {};
  listing_ = false;
  if (broken) return lost(m);
  if (!list_at_) list_at_ = m.now + about(rules_.check_every, m.dice);
  if (doubted_) check_at_ = m.now;
  return {};
}

keeper_fsm::steps keeper_fsm::checked(moment m) {
  if (phase_ != phase::up) return {};
  pinging_ = false;
  plan_check(m);
  if (!std::exchange(doubted_, false)) return {};
  offer_facts_ = true;
  return {truth(m)};
}

keeper_fsm::steps keeper_fsm::check_failed(moment m, bool broken) {
  if (phase_ != phase::up) return {};
  pinging_ = false;
  if (broken || ++misses_ >= most_misses) return lost(m);
  check_at_ = m.now + rules_.check_every / 4;
  return {};
}

void keeper_fsm::used(moment m) {
  if (phase_ == phase::up && !doubted_) plan_check(m);
}

// What the record is to say.
keeper_fsm::step keeper_fsm::truth(moment m) const {
  step out(kind::write);
  if (phase_ == phase::up) {
    out.to = status::connected;
    out.facts = offer_facts_;
    out.tools = offer_tools_;
    out.allow_empty = offer_empty_;
    return out;
  }
  out.to = phase_ == phase::stuck && wants_credentials_ ? status::auth_required : status::failed;
  out.attempt = attempt_;
  if (phase_ == phase::waiting) out.retry_in = std::chrono::duration_cast<span>(*retry_at_ - m.now);
  return out;
}

keeper_fsm::steps keeper_fsm::written(const sight& now_there) {
  note_record(now_there);
  write_at_.reset();
  offer_tools_ = offer_empty_ = offer_facts_ = false;
  return {};
}

keeper_fsm::steps keeper_fsm::refused(moment m, const sight& now_there) {
  if (phase_ != phase::over && phase_ != phase::opening && knows(now_there)) return {truth(m)};
  return seen(m, now_there);
}

keeper_fsm::steps keeper_fsm::write_failed(moment m) {
  if (phase_ != phase::over) write_at_ = m.now + rules_.store_pause;
  return {};
}

keeper_fsm::steps keeper_fsm::tick(moment m) {
  if (phase_ == phase::over) return {};
  if (is_due(read_at_, m.now)) {
    read_at_.reset();
    return {step(kind::read)};
  }
  if (phase_ == phase::waiting && is_due(retry_at_, m.now)) {
    return begin_opening(false);
  }
  if (is_due(write_at_, m.now)) {
    write_at_.reset();
    return {truth(m)};
  }
  if (phase_ != phase::up || listing_ || pinging_) return {};
  if (is_due(list_at_, m.now)) {
    list_at_.reset();
    listing_ = true;
    return {step(kind::list)};
  }
  if (!is_due(check_at_, m.now)) return {};
  check_at_.reset();
  pinging_ = true;
  return {step(kind::ping)};
}

std::optional<keeper_fsm::clock::time_point> keeper_fsm::wake_at() const {
  when out;
  const auto add = [&out](const when& at) {
    if (at && (!out || *at < *out)) out = at;
  };
  if (phase_ == phase::over) return out;
  add(read_at_);
  if (phase_ == phase::waiting) add(retry_at_);
  if (phase_ != phase::opening) add(write_at_);
  if (phase_ == phase::up && !listing_ && !pinging_) {
    add(list_at_);
    add(check_at_);
  }
  return out;
}

}  // namespace mcpstate
