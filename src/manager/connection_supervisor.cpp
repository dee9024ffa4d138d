// SPDX-License-Identifier: MIT
#include "manager/connection_supervisor.hh"

#include <algorithm>
#include <utility>

#include "core/bug.hh"
#include "manager/fleet_rules.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;
using step_kind = supervisor_fsm::step::kind;
using event_kind = link_event::kind;

constexpr auto close_limit = 400ms;    // for a session to end before its lease goes to another instance
constexpr int max_write_attempts = 5;  // against faster writers; then the record is read anew

// Whether a failed request means that the session is gone. It is not gone if the server was silent or has answered with an
// error.
bool is_broken(const error& reason) { return !reason.is(cond::timeout) && reason.code() != errc::rpc_error; }

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
  if (name().owner.kind() != owner_kind::session) return lose_lease();
  lease_refused_ = true;
  request_read();
}

void connection_supervisor::note_use() { fsm_.used(context_.tick()); }

std::shared_ptr<server_link> connection_supervisor::session() const { return lease_lost_ ? nullptr : session_.link(); }

bool connection_supervisor::is_opening() const noexcept {
  const phase now = fsm_.current_phase();
  return !lease_lost_ && (now == phase::reading || now == phase::opening);
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

supervisor_fsm::steps connection_supervisor::request_failed(link_event& event) {
  const auto tick = context_.tick();
  reason_ = std::move(event.reason);
  const bool broken = is_broken(*reason_);
  if (event.type == event_kind::check_failed) return fsm_.check_failed(tick, broken);
  return fsm_.list_failed(tick, broken);
}

void connection_supervisor::handle(link_event event) {
  manager_observer* const observer = context_.observer();
  const auto tick = context_.tick();
  if (event.reason && event.reason->code() == errc::bug)
    context_.remark(name(), event.reason->detail(), event.reason->peer_text());
  switch (event.type) {
    case event_kind::opened:
      if (observer != nullptr) observer->on_attempt(name(), true, event.took);
      return add_steps(fsm_.opened(tick, take_listing(std::move(*event.listing))));
    case event_kind::open_failed:
      if (observer != nullptr) observer->on_attempt(name(), false, event.took);
      reason_ = std::move(event.reason);
      session_.close();
      return add_steps(fsm_.open_failed(tick, kind_of_failure(*reason_)));
    case event_kind::lost:
      reason_ = std::move(event.reason);
      return add_steps(fsm_.session_lost(tick));
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
  } catch (const std::exception& e) {
    failure = e.what();
  }
  if (failure) recover(*failure);
}

bool connection_supervisor::take_event_guarded() {
  try {
    return take_event();
  } catch (const std::exception& e) {
    recover(e.what());
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
    const bool moved = co_await follow_claim();
    if (!moved) co_return got;
    managed = name();
    got = co_await context_.records().get(managed.owner, managed.server, tools_wanted::no);
    if (got) add_steps(fsm_.record_moved(context_.tick(), view_of(*got, context_.store_time())));
    claimed_from_.reset();  // the next read takes it as known
  }
  if (got && *got) endpoint_ = endpoint_of((*got)->info);
  co_return got;
}

// The record of a session is gone. Where a claim has moved it to a user, goes on there with the same session.
asio::awaitable<bool> connection_supervisor::follow_claim() {
  const managed_name before = name();
  lease at_session = lease_;
  const auto requested = clock::now();
  auto granted = co_await context_.take_claimed_lease(std::move(at_session));
  if (!granted || lease_lost_) co_return false;
  lease_ = std::move(*granted);
  lease_until_ = requested + lease_span(context_.options());
  lease_refused_ = false;
  if (on_move_) on_move_(before);
  co_return true;
}

asio::awaitable<void> connection_supervisor::read() {
  auto got = co_await fetch();
  const auto tick = context_.tick();
  if (!got) co_return add_steps(fsm_.read_failed(tick));
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
  session_.open(std::move(*server), name());
}

// Takes the lease again, so that the connection is found under the name of the registered server that it leads to now.
asio::awaitable<void> connection_supervisor::move_lease() {
  const managed_name managed = name();
  const std::string holder = lease_.holder;
  const std::string registered = endpoint_.registered;
  const auto requested = clock::now();
  auto taken = co_await context_.records().leases().take_lease(managed, holder, registered, lease_span(context_.options()));
  if (!taken || lease_lost_) co_return;  // the index has the old name; the lease itself is renewed with all others
  if (!*taken) co_return lose_lease();
  registered_ = registered;
  lease_ = std::move(**taken);
  lease_until_ = requested + lease_span(context_.options());
}

// Writes the change that the record needs.
task<connection> connection_supervisor::put(connection before, step next) {
  supervision_result found;
  found.step = next;
  if (auto server = context_.find(endpoint_)) found.server = std::move(*server);
  if (next.state == status::connected && session_.client() != nullptr) found.facts = session_.client()->facts();
  if (next.tools) found.tools = tools_;
  if (next.state != status::connected) found.reason = reason_;
  change wanted = make_change(before, found, lease_, context_.store_time());
  auto written = co_await context_.records().put(std::move(wanted));
  if (written || !is_about_tools(written.error())) co_return written;
  // A foreign program has written a list, and an empty list does not replace it; or the owner has no room for a longer one.
  if (written.error().code() == errc::tools_too_large) found.reason = written.error();
  found.tools.reset();
  change without_tools = make_change(before, found, lease_, context_.store_time());
  co_return co_await context_.records().put(std::move(without_tools));
}

void connection_supervisor::report_transition(status before) {
  const status now = fsm_.recorded_status();
  if (context_.observer() == nullptr || before == now) return;
  const bool fine = now == status::connected || !reason_;
  context_.observer()->on_transition(name(), before, now, fine ? std::string_view() : name_of(reason_->code()));
}

asio::awaitable<void> connection_supervisor::write(step next) {
  for (int attempt = 1; !lease_lost_; ++attempt) {
    auto before = co_await fetch();
    if (lease_lost_) co_return;
    const auto tick = context_.tick();
    if (!before) co_return add_steps(fsm_.write_failed(tick));
    const auto record = view_of(*before, context_.store_time());
    if (!fsm_.knows(record)) co_return add_steps(fsm_.write_refused(tick, record));
    auto putting = put(std::move(**before), next);
    auto written = co_await std::move(putting);
    if (lease_lost_) co_return;
    if (written) {
      const status recorded = fsm_.recorded_status();
      add_steps(fsm_.written(view_of(*written, context_.store_time())));
      if (!fsm_.offers_tools()) tools_.reset();
      co_return report_transition(recorded);
    }
    const error& reason = written.error();
    if (reason.code() == errc::lease_lost) {
      lease_refused();
      co_return add_steps(fsm_.write_failed(tick));
    }
    if (reason.is(cond::conflict) && attempt < max_write_attempts) continue;
    const bool outage = reason.is(cond::unavailable) || reason.is(cond::timeout);
    if (!outage) context_.remark(name(), "a record could not be written: " + reason.detail(), {});
    co_return add_steps(fsm_.write_failed(context_.tick()));
  }
}

asio::awaitable<void> connection_supervisor::end(step last) {
  // Two instances should not have a session with the server at the same time, but the next one does not wait long.
  co_await session_.wait_closed(aio::after(close_limit));
  if (lease_lost_) co_return;
  // The connection may have been ordered again since the record was read, under our lease. The store then hands the lease
  // over instead of ending it, so that the order is not lost even if this process dies now.
  auto ended = co_await context_.records().leases().end_lease(lease_, last.ending, last.revision);
  if (!ended) context_.remark(name(), "a lease could not be ended; it runs out: " + ended.error().detail(), {});
  using news = manager_observer::lease_news;
  context_.report_lease(name(), last.ending == lease_end::over ? news::over : news::handed_over);
}

}  // namespace mcpstate
