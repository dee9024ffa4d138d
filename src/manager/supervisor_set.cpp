// SPDX-License-Identifier: MIT
#include "manager/supervisor_set.hh"

#include <utility>

#include "aio/scope_guard.hh"
#include "core/bug.hh"
#include "manager/fleet/fleet_rules.hh"

namespace mcpstate {

namespace {

using lease_news = manager_observer::lease_news;

}  // namespace

supervisor_set::supervisor_set(manager_context& context)
    : context_(context),
      watches_(
          context.records(), [this](const event& change) { on_change(change); },
          [this](const owner& who) { read_again(who); },
          [this](const std::string& what) { context_.remark("an owner is watched anew", bug_error("a watch", what)); }),
      running_(context.records().executor(), [this](const std::string&, const std::string& what) {
        context_.remark("a connection is not managed any more", bug_error("its supervisor", what));
      }) {}

supervisor_set::pointer supervisor_set::find(const managed_name& name) const {
  const auto found = supervisors_.find(name);
  return found == supervisors_.end() ? nullptr : found->second;
}

// Most changes that a watch reports are writes of our own.
void supervisor_set::on_change(const event& change) {
  const auto name = server_name::parse(change.record->server);
  if (!name || is_foreign_member(*change.record)) return;
  const pointer supervisor = find(managed_name(change.record->owner, *name));
  if (!supervisor) return;
  const bool known =
      change.what == event::kind::present && !change.record->altered && change.record->revision <= supervisor->revision();
  if (!known) supervisor->request_read();
}

void supervisor_set::read_again(const owner& who) {
  for (const auto& [name, supervisor] : supervisors_) {
    if (name.owner == who) supervisor->request_read_anew();
  }
}

task<bool> supervisor_set::ensure_managed(managed_name name, std::string registered, unreachable_rule rule) {
  if (const pointer supervisor = find(name)) {
    supervisor->request_read();
    co_return true;
  }
  const auto span = context_.lease_span();
  const auto requested = connection_supervisor::clock::now();
  MCPSTATE_CO_TRY(taken, co_await context_.leases().take_lease(name, context_.options().instance, registered, span));
  if (!taken) co_return true;
  if (context_.stopping()) {
    lease unwanted = *taken;
    co_return co_await give_back(std::move(unwanted));
  }
  if (const pointer supervisor = find(name)) {  // started meanwhile
    supervisor->request_read();
  } else {
    start(std::move(*taken), std::move(registered), requested + span, rule, std::nullopt);
  }
  co_return true;
}

task<bool> supervisor_set::act_on(order_result order, std::string registered,
                                  connection_supervisor::clock::time_point until) {
  if (order.granted.holder != context_.options().instance) co_return true;
  if (const pointer supervisor = find(order.granted.name)) {
    // A supervisor with another lease has lost it, and the connection is taken again when it has ended.
    if (supervisor->granted() != order.granted) supervisor->lose_lease();
    supervisor->request_read();
    co_return true;
  }
  if (context_.stopping()) co_return co_await give_back(std::move(order.granted));
  start(std::move(order.granted), std::move(registered), until, unreachable_rule::hand_over, std::move(order.record));
  co_return true;
}

task<bool> supervisor_set::give_back(lease taken) {
  MCPSTATE_CO_CHECK(co_await context_.leases().end_lease(std::move(taken), lease_end::hand_over));
  co_return true;
}

void supervisor_set::start(lease granted, std::string registered, connection_supervisor::clock::time_point until,
                           unreachable_rule rule, std::optional<connection> record) {
  const managed_name name = granted.name;
  auto supervisor =
      std::make_shared<connection_supervisor>(context_, std::move(granted), std::move(registered), until, rule);
  if (record) supervisor->begin_with(std::move(*record));
  supervisor->set_move_listener([this](const managed_name& before) { move(before); });
  supervisors_[name] = supervisor;
  watches_.add(name.owner);
  context_.report_lease(name, lease_news::taken);
  running_.spawn("manage a connection", run(std::move(supervisor)));
  changed_.notify();
}

// A claim has moved the connection of this supervisor to a user. Whoever managed the user's connection here has lost its
// lease by that.
void supervisor_set::move(const managed_name& before) {
  const pointer supervisor = find(before);
  if (!supervisor) return;
  const managed_name after = supervisor->name();
  const pointer replaced = find(after);
  if (replaced) {
    replaced->lose_lease();
  } else {
    watches_.add(after.owner);
  }
  supervisors_[after] = supervisor;
  supervisors_.erase(before);
  watches_.remove(before.owner);
  context_.report_lease(before, lease_news::over);
  context_.report_lease(after, lease_news::taken);
  changed_.notify();
}

void supervisor_set::forget(const managed_name& name, const pointer& supervisor) {
  if (find(name) != supervisor) return;
  supervisors_.erase(name);
  watches_.remove(name.owner);
  changed_.notify();
  if (supervisors_.empty()) none_left_.notify();
}

asio::awaitable<void> supervisor_set::run(pointer supervisor) {
  co_await asio::this_coro::throw_if_cancelled(false);
  // Also after an exception: its lease runs out then, and the connection is taken again.
  const aio::scope_guard over([this, supervisor] { forget(supervisor->name(), supervisor); });
  co_await supervisor->run();
  const managed_name name = supervisor->name();
  bool again = false;
  if (!supervisor->has_lost_lease() && !supervisor->is_leaving() && !context_.stopping()) {
    auto wanted = co_await is_still_wanted(supervisor);
    again = wanted && *wanted;
  }
  if (supervisor->has_lost_lease()) {
    context_.report_lease(name, lease_news::lost);
    // Somebody may have left an order to this process without knowing that the lease was lost.
    if (supervisor->is_read_requested()) again = true;
  }
  std::string registered = supervisor->registered();
  forget(name, supervisor);
  if (!again || context_.stopping()) co_return;
  auto managed = co_await ensure_managed(name, std::move(registered));
  if (!managed) context_.remark("a connection could not be taken again", managed.error());
}

// Whether the connection was ordered again while its lease was being ended: whoever ordered it saw our lease and left the
// order to us.
task<bool> supervisor_set::is_still_wanted(pointer supervisor) {
  for (;;) {
    supervisor->cancel_read_request();
    const managed_name name = supervisor->name();
    MCPSTATE_CO_TRY(got, co_await context_.records().get(name.owner, name.server, tools_wanted::no));
    if (supervisor->is_read_requested()) continue;
    co_return got && got->info.managed && got->state != status::disconnected;
  }
}

asio::awaitable<void> supervisor_set::close(std::chrono::milliseconds limit) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  for (const auto& [name, supervisor] : supervisors_) supervisor->request_hand_over();
  if (!supervisors_.empty()) co_await none_left_.wait(aio::after(limit));
  co_await running_.stop();
  co_await watches_.stop();
}

}  // namespace mcpstate
