// SPDX-License-Identifier: MIT
#include "manager/connection_supervisor.hh"

#include <algorithm>
#include <utility>

#include "core/bug.hh"
#include "manager/fleet/fleet_rules.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;
using step_kind = supervisor_fsm::step::kind;
using event_kind = link_event::kind;

constexpr unsigned too_many_requests = 429;
constexpr std::size_t called_forward = 2;  // by one success: the number doubles, as far as the limit of the origin allows

// Whether a failed request means that the session is gone. It is not gone if the server was silent, or has answered with an
// error or with more than there was room for.
bool is_broken(const error& reason) {
  return !reason.is(cond::timeout) && reason.code() != errc::rpc_error && reason.code() != errc::busy;
}

std::optional<supervisor_fsm::span> wait_of(const error& reason) {
  const auto wait = reason.retry_after();
  if (!wait) return std::nullopt;
  return supervisor_fsm::span(std::min<std::chrono::seconds>(*wait, 24h));
}

}  // namespace

connection_supervisor::connection_supervisor(manager_context& context, lease granted, std::string registered,
                                             clock::time_point until, unreachable_rule rule)
    : context_(context),
      lease_(std::move(granted)),
      lease_until_(until),
      fsm_(supervisor_rules(context.options())),
      session_(context, [this] { changed_.notify(); }),
      registered_(std::move(registered)),
      unreachable_(rule) {}

connection_supervisor::~connection_supervisor() = default;

void connection_supervisor::request_read() {
  requests_.read = true;
  changed_.notify();
}

void connection_supervisor::request_reopening() {
  requests_.reopen = true;
  changed_.notify();
}

void connection_supervisor::request_hand_over() {
  requests_.hand_over = leaving_ = true;
  changed_.notify();
}

bool connection_supervisor::is_stranded() const {
  if (fsm_.current_phase() != phase::stuck || leaving_ || lease_lost_) return false;
  return (reason_ && reason_->code() == errc::forbidden_target) || !context_.find(endpoint_);
}

void connection_supervisor::lose_lease() {
  lease_lost_ = true;
  session_.close();
  report_opened();
  changed_.notify();
}

void connection_supervisor::lease_refused() {
  const bool may_be_moved = name().owner.kind() == owner_kind::session;
  const bool may_be_lost = context_.losses() != losses_seen_;  // with the record
  if (!may_be_moved && !may_be_lost) return lose_lease();
  lease_refused_ = true;
  request_read();
}

void connection_supervisor::note_use() { fsm_.used(context_.tick()); }

void connection_supervisor::note_loss(const std::shared_ptr<server_link>& link, error reason) {
  if (lease_lost_ || session_.link() != link || fsm_.current_phase() != phase::up) return;
  reported_loss_ = std::move(reason);
  changed_.notify();
}

std::shared_ptr<server_link> connection_supervisor::session() const {
  return lease_lost_ || reported_loss_ ? nullptr : session_.link();
}

bool connection_supervisor::is_opening() const noexcept {
  const phase now = fsm_.current_phase();
  return !lease_lost_ && (now == phase::reading || now == phase::opening || (now == phase::up && reported_loss_));
}

asio::awaitable<void> connection_supervisor::wait_opened(aio::deadline until) {
  if (!is_opening()) co_return;
  if (!opened_) opened_ = std::make_shared<aio::latch>();
  const std::shared_ptr<aio::latch> opened = opened_;
  co_await opened->wait(until);
}

void connection_supervisor::report_opened() {
  if (opened_ && !is_opening()) std::exchange(opened_, nullptr)->open();
}

void connection_supervisor::add_steps(supervisor_fsm::steps steps) {
  steps_.insert(steps_.end(), steps.begin(), steps.end());
}

asio::awaitable<void> connection_supervisor::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  add_steps(fsm_.start());
  for (;;) {
    report_opened();
    await_early_retry();
    while (!steps_.empty() && !lease_lost_) {
      const step next = steps_.front();
      steps_.pop_front();
      co_await perform_guarded(next);
    }
    if (fsm_.current_phase() == phase::over) break;
    if (take_event_guarded()) continue;
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) break;
    co_await changed_.wait(fsm_.wake_at().value_or(aio::deadline::max()));
  }
  static_cast<void>(fsm_.abandon());  // also when it was cancelled
  session_.close();
  report_opened();
}

// Hands the next thing that has happened to the state machine; false if there is none.
bool connection_supervisor::take_event() {
  if (lease_lost_) {
    steps_.clear();
    static_cast<void>(fsm_.abandon());
    session_.close();
  } else if (std::exchange(requests_.hand_over, false)) {
    add_steps(fsm_.hand_over());
  } else if (std::exchange(requests_.read, false)) {
    steps_.emplace_back(step_kind::read);
  } else if (std::exchange(requests_.reopen, false)) {
    add_steps(fsm_.server_changed());
  } else if (std::exchange(requests_.early_retry, false)) {
    add_steps(fsm_.origin_answered());
  } else if (auto told = std::exchange(reported_loss_, std::nullopt)) {
    link_event lost(event_kind::lost);
    lost.reason = std::move(told);
    handle(std::move(lost));
  } else if (auto event = session_.take_event()) {
    handle(std::move(*event));
    if (!fsm_.offers_tools()) tools_.reset();
  } else {
    const auto due = fsm_.wake_at();
    const auto tick = context_.tick();
    if (!due || *due > tick.now) return false;
    add_steps(fsm_.tick(tick));
  }
  return true;
}

supervisor_fsm::listing connection_supervisor::take_listing(mcp::tool_listing listing) {
  supervisor_fsm::listing out;
  out.hash = listing.tools.hash();
  out.count = listing.tools.count();
  out.fresh_for = listing.fresh_for;
  const auto& facts = session_.client()->facts();
  out.has_tools = facts.has_tools;
  out.announces_changes = facts.tools_list_changed;
  tools_ = std::move(listing.tools);
  for (const std::string& tool : listing.dropped) context_.remark(name(), "a tool was left out", tool);
  return out;
}

void connection_supervisor::note_failure(std::optional<error> reason) {
  reason_ = std::move(reason);
  context_.pauses().note_failure(origin_, *reason_, clock::now());
}

// While the connection waits for nothing but its back-off, a success of another one at that origin ends the wait.
void connection_supervisor::await_early_retry() {
  const bool waits = fsm_.may_retry_early() && !lease_lost_ && !origin_.empty();
  if (!waits) early_retry_.reset();
  if (!waits || early_retry_) return;
  early_retry_.emplace(context_.retries(), origin_, name().owner.text(), [this] {
    requests_.early_retry = true;
    changed_.notify();
  });
}

supervisor_fsm::steps connection_supervisor::opened(link_event& event) {
  if (auto* const observer = context_.observer()) observer->on_attempt(name(), true, event.took);
  if (!context_.pauses().find(origin_, clock::now())) context_.retries().retry_waiting(origin_, called_forward);
  return fsm_.opened(context_.tick(), take_listing(std::move(*event.listing)));
}

supervisor_fsm::steps connection_supervisor::open_failed(link_event& event) {
  auto* const observer = context_.observer();
  if (observer != nullptr && event.attempted) observer->on_attempt(name(), false, event.took);
  // A pause that has kept the attempt from being made does not begin anew.
  if (event.attempted) {
    note_failure(std::move(event.reason));
  } else {
    reason_ = std::move(event.reason);
  }
  session_.close();
  return fsm_.open_failed(context_.tick(), kind_of_failure(*reason_), wait_of(*reason_));
}

supervisor_fsm::steps connection_supervisor::request_failed(link_event& event) {
  const auto tick = context_.tick();
  note_failure(std::move(event.reason));
  const auto wait = wait_of(*reason_);
  if (reason_->http_status() == too_many_requests)
    return fsm_.request_postponed(tick, wait.value_or(supervisor_fsm::span(0)));
  loss_ = reason_->code();
  const bool broken = is_broken(*reason_);
  if (event.type == event_kind::check_failed) return fsm_.check_failed(tick, broken, wait);
  return fsm_.list_failed(tick, broken, wait);
}

void connection_supervisor::handle(link_event event) {
  manager_observer* const observer = context_.observer();
  const auto tick = context_.tick();
  if (event.reason && event.reason->code() == errc::bug)
    context_.remark(name(), event.reason->detail(), event.reason->peer_text());
  switch (event.type) {
    case event_kind::opened:
      return add_steps(opened(event));
    case event_kind::open_failed:
      return add_steps(open_failed(event));
    case event_kind::lost:
      note_failure(std::move(event.reason));
      loss_ = reason_->code();
      return add_steps(fsm_.session_lost(tick, wait_of(*reason_)));
    case event_kind::stream_ended:
      return fsm_.stream_ended(tick);
    case event_kind::list_changed:
      return fsm_.list_changed(tick);
    case event_kind::listed:
      if (observer != nullptr) observer->on_tools_refreshed(name(), true);
      return add_steps(fsm_.listed(tick, take_listing(std::move(*event.listing))));
    case event_kind::list_failed:
      if (observer != nullptr) observer->on_tools_refreshed(name(), false);
      return add_steps(request_failed(event));
    case event_kind::checked:
      return add_steps(fsm_.checked(tick));
    case event_kind::check_failed:
      return add_steps(request_failed(event));
  }
}

// An exception is a bug, or memory has run out. It ends this session and is recorded; the connection is tried again later,
// and all others stay as they are.
void connection_supervisor::recover(const std::string& what) {
  reason_ = bug_error("the session", what);
  context_.remark(name(), reason_->detail(), reason_->peer_text());
  steps_.clear();
  session_.close();
  const auto tick = context_.tick();
  add_steps(fsm_.read_failed(tick));
  switch (fsm_.current_phase()) {
    case phase::opening:
      return add_steps(fsm_.open_failed(tick, supervisor_fsm::failure_kind::transient));
    case phase::up:
      loss_ = errc::bug;
      return add_steps(fsm_.session_lost(tick));
    case phase::waiting:
    case phase::stuck:
      return add_steps(fsm_.write_failed(tick));
    case phase::reading:
    case phase::over:
      return;
  }
}

asio::awaitable<void> connection_supervisor::perform_guarded(step next) {
  std::optional<std::string> failure;
  try {
    co_await perform(next);
  } catch (...) {
    failure = caught_text();
  }
  if (failure) recover(*failure);
}

bool connection_supervisor::take_event_guarded() {
  try {
    return take_event();
  } catch (...) {
    recover(caught_text());
    return true;
  }
}

asio::awaitable<void> connection_supervisor::perform(step next) {
  switch (next.type) {
    case step_kind::read:
      co_return co_await read();
    case step_kind::open:
      co_return co_await open();
    case step_kind::close:
      session_.close();
      co_return;
    case step_kind::list:
      session_.list();
      co_return;
    case step_kind::ping:
      session_.ping();
      co_return;
    case step_kind::write:
      co_return co_await write(next);
    case step_kind::end:
      co_return co_await end(next);
  }
}

task<std::optional<connection>> connection_supervisor::fetch() {
  managed_name managed = name();
  result<std::optional<connection>> got = std::exchange(first_, std::nullopt);
  if (!*got) got = co_await context_.records().get(managed.owner, managed.server, tools_wanted::no);
  if (got && !*got && managed.owner.kind() == owner_kind::session) {
    MCPSTATE_CO_TRY(moved, co_await follow_claim());
    if (!moved) co_return got;
    managed = name();
    got = co_await context_.records().get(managed.owner, managed.server, tools_wanted::no);
    if (got) add_steps(fsm_.record_moved(context_.tick(), view_of(*got, context_.store_time())));
    claimed_from_.reset();  // the next read takes it as known
  }
  if (!got || !*got) co_return got;
  endpoint_ = endpoint_of((*got)->info);
  losses_seen_ = context_.losses();
  co_return got;
}

// The record of a session is gone. Where a claim has moved it to a user, goes on there with the same session.
// An outage decides nothing: the record is read again.
task<bool> connection_supervisor::follow_claim() {
  const managed_name before = name();
  lease at_session = lease_;
  const auto requested = clock::now();
  auto granted = co_await context_.take_claimed_lease(std::move(at_session));
  if (!granted && granted.error().code() != errc::lease_lost) co_return granted.error();
  if (!granted || lease_lost_) co_return false;
  lease_ = std::move(*granted);
  lease_until_ = requested + context_.lease_span();
  lease_refused_ = false;
  if (on_move_) on_move_(before);
  co_return true;
}

asio::awaitable<void> connection_supervisor::read() {
  auto got = co_await fetch();
  if (!got) co_return add_steps(fsm_.read_failed(context_.tick()));
  if (!*got && fsm_.has_record()) {
    const bool decided = co_await restore_if_lost();
    if (decided || lease_lost_) co_return;
  }
  const auto tick = context_.tick();
  bool is_ours = !(std::exchange(lease_refused_, false) && *got);
  // A claim may have brought a record that another process manages, and its lease with it.
  const auto known = std::exchange(claimed_from_, *got ? (*got)->info.claimed_from : std::string());
  if (is_ours && known && known != claimed_from_) is_ours = co_await context_.may_hold(lease_);
  if (!is_ours) co_return lose_lease();
  auto record = view_of(*got, context_.store_time());
  record.reachable = context_.find(endpoint_).has_value();
  add_steps(fsm_.record_read(tick, record));
}

asio::awaitable<void> connection_supervisor::open() {
  session_.close();
  tools_.reset();
  if (endpoint_.registered != registered_) co_await move_lease();
  if (lease_lost_) co_return;
  auto server = context_.find(endpoint_);
  const unreachable_rule rule = std::exchange(unreachable_, unreachable_rule::hand_over);
  if (!server && rule == unreachable_rule::hand_over && context_.may_others_reach()) co_return request_hand_over();
  if (!server) {
    reason_ = server.error();
    add_steps(fsm_.open_failed(context_.tick(), kind_of_failure(*reason_)));
    co_return;
  }
  origin_ = server->origin;
  session_.open(std::move(*server), name());
}

}  // namespace mcpstate
