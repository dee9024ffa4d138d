// SPDX-License-Identifier: MIT
#include "manager/supervisor_fsm.hh"

#include <algorithm>
#include <utility>

#include "core/backoff.hh"

namespace mcpstate {

namespace {
using kind = supervisor_fsm::step::kind;
using span = supervisor_fsm::span;

constexpr int max_missed_checks = 2;                  // in a row; then the session counts as lost
constexpr int checks_per_listing = 10;                // where the server does not announce new lists
constexpr int max_postponed = 6;                      // in a row: asked too often is no excuse for ever
constexpr std::uint32_t refused_factor = 2;           // of first_retry: the first pause after a refusal that may pass
constexpr std::uint32_t max_counted_failures = 1000;  // the wait does not grow any more

// The time, give or take a tenth.
span with_jitter(span time, double jitter) { return std::chrono::duration_cast<span>(time * (0.9 + 0.2 * jitter)); }

bool is_due(const std::optional<supervisor_fsm::clock::time_point>& at, supervisor_fsm::clock::time_point time) {
  return at && *at <= time;
}

}  // namespace

supervisor_fsm::steps supervisor_fsm::end_lease(lease_end ending, std::uint64_t revision) {
  phase_ = phase::over;
  step last(kind::end);
  last.ending = ending;
  last.revision = revision;
  return {step(kind::close), last};
}

void supervisor_fsm::remember(const record_view& record) {
  record_known_ = true;
  revision_ = record.revision;
  recorded_ = record.state;
  endpoint_key_ = record.endpoint_key;
  raw_status_ = record.raw_status;
  tools_hash_ = record.tools_hash;
  tool_count_ = record.tool_count;
}

supervisor_fsm::steps supervisor_fsm::record_read(tick_context context, const record_view& record) {
  if (phase_ == phase::over) return {};
  read_at_.reset();
  if (!record.present || !record.managed || record.state == status::disconnected)
    return end_lease(lease_end::over, record.present ? record.revision : 0);
  const bool late = !std::exchange(begun_anew_, false) && record.revision < revision_;
  if (!record_known_) return take_over(context, record);
  return late || knows(record) ? steps() : record_changed(context, record);
}

supervisor_fsm::steps supervisor_fsm::record_moved(tick_context context, const record_view& record) {
  const bool as_known = record_known_ && record.present && record.managed && !record.altered && record.state == recorded_ &&
                        record.endpoint_key == endpoint_key_;
  if (phase_ == phase::over || !as_known) return record_read(context, record);
  remember(record);
  return {};
}

// A session that is up goes on: its tools are listed, and written with the rest.
supervisor_fsm::steps supervisor_fsm::record_restored(tick_context context, const record_view& record) {
  if (phase_ == phase::over) return {};
  read_at_.reset();
  remember(record);
  if (phase_ == phase::waiting || phase_ == phase::stuck) return {write_step(context)};
  if (phase_ != phase::up) return {};  // what the attempt comes to is written
  contested_ = offer_facts_ = true;
  list_at_ = context.now;
  return tick(context);
}

bool supervisor_fsm::knows(const record_view& record) const {
  return record_known_ && record.present && record.revision == revision_ &&
         (!record.altered || record.raw_status == raw_status_);
}

// Goes on where the previous instance stopped. A connection that failed for good there is tried once: this process may have
// other credentials, or another server under that name.
supervisor_fsm::steps supervisor_fsm::take_over(tick_context context, const record_view& record) {
  remember(record);
  worked_ = record.state == status::connected;
  const bool failed = record.state == status::failed || record.state == status::auth_required;
  if (!failed || record.altered) return reopen();
  back_off_only_ = false;
  attempt_ = record.attempt;
  needs_credentials_ = record.state == status::auth_required;
  phase_ = record.retry_in || record.reachable ? phase::waiting : phase::stuck;
  if (phase_ == phase::stuck) return {};
  const span pause = record.retry_in.value_or(std::chrono::duration_cast<span>(rules_.first_retry * context.jitter));
  retry_at_ = context.now + std::clamp<span>(pause, span(0), rules_.last_retry);
  return {};
}

supervisor_fsm::steps supervisor_fsm::record_changed(tick_context context, const record_view& record) {
  const bool elsewhere = record.endpoint_key != endpoint_key_;
  const bool failing = phase_ == phase::waiting || phase_ == phase::stuck;
  const bool as_written =
      failing && !record.altered && record.attempt == attempt_ && record.state == write_step(context).state;
  remember(record);
  if (elsewhere || record.state == status::connecting) forget_history();
  if (elsewhere) return reopen();
  if (as_written) write_at_.reset();  // it is a write of ours whose answer was lost
  if (as_written) return {};
  const bool order = record.state == status::connecting;
  if (order) attempt_ = 0;
  if (phase_ == phase::opening) return {};  // the attempt under way answers this order, too
  if (order || phase_ != phase::up) return reopen();
  // A foreign program has written a status, and perhaps tools. Both are checked against the server.
  contested_ = true;
  list_at_ = context.now;
  return tick(context);
}

// A new order is a new beginning: what the connection has met before says nothing about it.
void supervisor_fsm::forget_history() {
  worked_ = lost_ = offer_restart_ = false;
  refusals_ = 0;
}

supervisor_fsm::steps supervisor_fsm::reopen() {
  const bool open = phase_ == phase::up || phase_ == phase::opening;
  attempt_ = 0;
  quick_retry_used_ = false;
  return begin_opening(open);
}

supervisor_fsm::steps supervisor_fsm::begin_opening(bool close_first) {
  phase_ = phase::opening;
  contested_ = pinging_ = listing_ = offer_tools_ = offer_empty_ = offer_facts_ = empty_list_seen_ = false;
  back_off_only_ = announced_ = answers_announcement_ = false;
  list_pause_ = rules_.list_pause;
  for (optional_time* time : {&check_at_, &list_at_, &listed_at_, &retry_at_, &write_at_}) time->reset();
  steps out;
  if (close_first) out.emplace_back(kind::close);
  out.emplace_back(kind::open);
  return out;
}

supervisor_fsm::steps supervisor_fsm::server_changed() {
  if (phase_ == phase::over || phase_ == phase::reading) return {};
  forget_history();
  return reopen();
}

supervisor_fsm::steps supervisor_fsm::read_failed(tick_context context) {
  if (phase_ != phase::over) read_at_ = context.now + rules_.store_pause;
  return {};
}

void supervisor_fsm::schedule_check(tick_context context) {
  missed_checks_ = postponed_ = 0;
  check_at_ = context.now + with_jitter(rules_.check_every, context.jitter);
}

// How long the server calls a list fresh is a hint. No server is asked for its list more often than it is checked.
void supervisor_fsm::schedule_listing(tick_context context, const listing& tools) {
  list_at_.reset();
  if (!tools.has_tools) return;
  const bool has_hint = tools.fresh_for && tools.fresh_for->count() > 0;
  if (has_hint) {
    list_at_ = context.now + with_jitter(std::max(*tools.fresh_for, rules_.check_every), context.jitter);
  } else if (!tools.announces_changes) {
    list_at_ = context.now + with_jitter(rules_.check_every * checks_per_listing, context.jitter);
  }
}

// Answers whether the list is to be written. An empty list replaces a good one only when it comes twice: a server that has
// just started may not have its tools yet.
bool supervisor_fsm::take_listing(tick_context context, const listing& tools) {
  schedule_listing(context, tools);
  offer_tools_ = offer_empty_ = false;
  const bool emptied = tools.count == 0 && tool_count_ > 0;
  if (tools.hash == tools_hash_ || !emptied) empty_list_seen_ = false;
  if (tools.hash == tools_hash_) return false;
  if (emptied && !std::exchange(empty_list_seen_, true)) {
    list_at_ = context.now + rules_.check_every;
    return false;
  }
  offer_tools_ = true;
  offer_empty_ = emptied;
  return true;
}

supervisor_fsm::steps supervisor_fsm::opened(tick_context context, const listing& tools) {
  if (phase_ != phase::opening) return {};
  const bool announced = list_at_.has_value();  // a change, during the attempt
  phase_ = phase::up;
  up_since_ = context.now;
  contested_ = false;
  worked_ = true;
  refusals_ = 0;
  offer_restart_ = std::exchange(lost_, false) || offer_restart_;
  static_cast<void>(take_listing(context, tools));
  if (announced) list_at_ = context.now + rules_.list_pause;
  schedule_check(context);
  offer_facts_ = true;
  return {write_step(context)};
}

supervisor_fsm::steps supervisor_fsm::schedule_retry(tick_context context, steps before, std::optional<span> wait) {
  ++attempt_;
  phase_ = phase::waiting;
  // Full jitter: a random part of the whole wait, so that connections that failed together do not come back together.
  const int failures = static_cast<int>(std::min(attempt_, max_counted_failures));
  span pause = backoff(failures, rules_.first_retry, rules_.last_retry, context.jitter);
  back_off_only_ = !wait;
  if (wait) {
    const span spread = std::chrono::duration_cast<span>(rules_.first_retry * context.jitter);
    pause = std::max(pause, std::min(*wait, rules_.last_retry) + spread);
  }
  retry_at_ = context.now + pause;
  before.push_back(write_step(context));
  return before;
}

bool supervisor_fsm::retries_refusal(failure_kind reason) {
  if (reason != failure_kind::unauthorized || !worked_ || refusals_ >= rules_.refused_retries) return false;
  ++refusals_;
  return true;
}

supervisor_fsm::steps supervisor_fsm::open_failed(tick_context context, failure_kind reason, std::optional<span> wait) {
  if (phase_ != phase::opening) return {};
  if (reason == failure_kind::transient) return schedule_retry(context, {}, wait);
  if (retries_refusal(reason)) return schedule_retry(context, {}, rules_.first_retry * (refused_factor << (refusals_ - 1)));
  ++attempt_;
  phase_ = phase::stuck;
  needs_credentials_ = reason == failure_kind::unauthorized;
  return {write_step(context)};
}

supervisor_fsm::steps supervisor_fsm::session_lost(tick_context context, std::optional<span> wait) {
  if (phase_ != phase::up) return {};
  pinging_ = listing_ = false;
  lost_ = true;
  if (context.now - up_since_ >= rules_.steady_after) {
    attempt_ = 0;
    quick_retry_used_ = false;
  }
  const bool later = wait || attempt_ > 0 || std::exchange(quick_retry_used_, true);
  return later ? schedule_retry(context, {step(kind::close)}, wait) : begin_opening(true);
}

// Servers and proxies end idle streams, some of them all the time. One check in early_pause finds out whether the server is
// gone, and costs a healthy server little.
void supervisor_fsm::stream_ended(tick_context context) {
  if (phase_ != phase::up || pinging_) return;
  const auto at = early_check_at_ ? std::max(context.now, *early_check_at_ + rules_.early_pause) : context.now;
  if (check_at_ && *check_at_ <= at) return;
  check_at_ = early_check_at_ = at;
}

// Some servers announce a change with each list that they send. The last announcement counts all the same.
void supervisor_fsm::list_changed(tick_context context) {
  announced_ = true;
  auto at = context.now + rules_.list_pause;
  if (listed_at_) at = std::max(at, *listed_at_ + list_pause_);
  if (listing_ || !list_at_ || *list_at_ > at) list_at_ = at;
}

supervisor_fsm::steps supervisor_fsm::listed(tick_context context, const listing& tools) {
  if (phase_ != phase::up) return {};
  listing_ = false;
  schedule_check(context);
  const optional_time due = list_at_;  // a change, during the listing
  const bool same = tools.hash == tools_hash_;
  if (!same) list_pause_ = rules_.list_pause;
  if (same && answers_announcement_)
    list_pause_ = std::min(list_pause_ * 2, std::max(rules_.check_every, rules_.list_pause));
  listed_at_ = context.now;
  const bool write = take_listing(context, tools);
  if (due) list_at_ = announced_ ? std::max(*due, context.now + list_pause_) : due;
  if (!write && !contested_) return {};
  contested_ = false;
  return {write_step(context)};
}

supervisor_fsm::steps supervisor_fsm::list_failed(tick_context context, bool broken, std::optional<span> wait) {
  if (phase_ != phase::up) return {};
  listing_ = false;
  if (broken) return session_lost(context, wait);
  if (!list_at_) list_at_ = context.now + with_jitter(rules_.check_every, context.jitter);
  if (contested_) check_at_ = context.now;
  return {};
}

supervisor_fsm::steps supervisor_fsm::request_postponed(tick_context context, span wait) {
  if (phase_ != phase::up) return {};
  const span pause = std::max(std::min(wait, rules_.last_retry), with_jitter(rules_.check_every, context.jitter));
  if (++postponed_ >= max_postponed) return session_lost(context, pause);
  check_at_ = context.now + pause;
  if (std::exchange(listing_, false)) list_at_ = check_at_;
  pinging_ = false;
  missed_checks_ = 0;
  return {};
}

supervisor_fsm::steps supervisor_fsm::checked(tick_context context) {
  if (phase_ != phase::up) return {};
  pinging_ = false;
  schedule_check(context);
  if (!std::exchange(contested_, false)) return {};
  offer_facts_ = true;
  return {write_step(context)};
}

supervisor_fsm::steps supervisor_fsm::check_failed(tick_context context, bool broken, std::optional<span> wait) {
  if (phase_ != phase::up) return {};
  pinging_ = false;
  if (broken || ++missed_checks_ >= max_missed_checks) return session_lost(context, wait);
  check_at_ = context.now + rules_.check_every / 4;
  return {};
}

void supervisor_fsm::used(tick_context context) {
  if (phase_ == phase::up && !contested_) schedule_check(context);
}

// The write of what is true now.
supervisor_fsm::step supervisor_fsm::write_step(tick_context context) const {
  step out(kind::write);
  if (phase_ == phase::up) {
    out.state = status::connected;
    out.facts = offer_facts_;
    out.tools = offer_tools_;
    out.allow_empty = offer_empty_;
    out.restarted = offer_restart_;
    return out;
  }
  out.state = phase_ == phase::stuck && needs_credentials_ ? status::auth_required : status::failed;
  out.attempt = attempt_;
  if (phase_ == phase::waiting) out.retry_in = std::chrono::duration_cast<span>(*retry_at_ - context.now);
  return out;
}

supervisor_fsm::steps supervisor_fsm::written(const record_view& record) {
  remember(record);
  write_at_.reset();
  offer_tools_ = offer_empty_ = offer_facts_ = offer_restart_ = false;
  return {};
}

supervisor_fsm::steps supervisor_fsm::write_refused(tick_context context, const record_view& record) {
  if (phase_ != phase::over && phase_ != phase::opening && knows(record)) return {write_step(context)};
  return record_read(context, record);
}

supervisor_fsm::steps supervisor_fsm::write_failed(tick_context context) {
  if (phase_ != phase::over) write_at_ = context.now + rules_.store_pause;
  return {};
}

supervisor_fsm::steps supervisor_fsm::tick(tick_context context) {
  if (phase_ == phase::over) return {};
  if (is_due(read_at_, context.now)) {
    read_at_.reset();
    return {step(kind::read)};
  }
  if (phase_ == phase::waiting && is_due(retry_at_, context.now)) return begin_opening(false);
  if (is_due(write_at_, context.now)) {
    write_at_.reset();
    return {write_step(context)};
  }
  if (phase_ != phase::up || listing_ || pinging_) return {};
  if (is_due(list_at_, context.now)) {
    list_at_.reset();
    listing_ = true;
    answers_announcement_ = std::exchange(announced_, false);
    return {step(kind::list)};
  }
  if (!is_due(check_at_, context.now)) return {};
  check_at_.reset();
  pinging_ = true;
  return {step(kind::ping)};
}

std::optional<supervisor_fsm::clock::time_point> supervisor_fsm::wake_at() const {
  optional_time out;
  const auto add = [&out](const optional_time& at) {
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
