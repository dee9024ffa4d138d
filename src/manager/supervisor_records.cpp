// SPDX-License-Identifier: MIT
// connection_supervisor: what it writes.
#include <utility>

#include "manager/connection_supervisor.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;

constexpr auto close_limit = 400ms;    // for a session to end before its lease goes to another instance
constexpr int max_write_attempts = 5;  // against faster writers; then the record is read anew

}  // namespace

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

void connection_supervisor::report_restart(const connection& written) {
  if (context_.observer() == nullptr) return;
  const errc reason = loss_.value_or(errc::connection_lost);
  context_.observer()->on_session_restarted(name(), name_of(reason), written.info.restarts);
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
      if (next.restarted) report_restart(*written);
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
  const lease granted = lease_;
  // The connection may have been ordered again since the record was read, under our lease. The store then hands the lease
  // over instead of ending it, so that the order is not lost even if this process dies now.
  const std::optional<std::uint64_t> revision = last.revision;
  auto ended = co_await context_.leases().end_lease(granted, last.ending, revision);
  if (!ended) context_.remark(name(), "a lease could not be ended; it runs out: " + ended.error().detail(), {});
  using news = manager_observer::lease_news;
  context_.report_lease(name(), last.ending == lease_end::over ? news::over : news::handed_over);
}

}  // namespace mcpstate
