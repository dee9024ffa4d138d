// SPDX-License-Identifier: MIT
// connection_supervisor: what it writes, and its lease.
#include <utility>

#include "manager/connection_supervisor.hh"
#include "manager/fleet/loss_rules.hh"

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
    if (!*before && fsm_.has_record()) {  // the read finds out why it is gone
      request_read();
      co_return add_steps(fsm_.write_failed(tick));
    }
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

// Takes the lease again, so that the connection is found under the name of the registered server that it leads to now.
asio::awaitable<void> connection_supervisor::move_lease() {
  const managed_name managed = name();
  const std::string holder = lease_.holder;
  const std::string registered = endpoint_.registered;
  const auto requested = clock::now();
  auto taken = co_await context_.leases().take_lease(managed, holder, registered, context_.lease_span());
  if (!taken || lease_lost_) co_return;  // the index has the old name; the lease itself is renewed with all others
  if (!*taken) co_return lose_lease();
  registered_ = registered;
  lease_ = std::move(**taken);
  lease_until_ = requested + context_.lease_span();
}

// The record is gone. Where the store has lost it, writes it again, or has it read again later; false: somebody has removed
// it, or it has expired.
asio::awaitable<bool> connection_supervisor::restore_if_lost() {
  const data_losses before = losses_seen_;
  auto lost = co_await context_.find_losses();
  if (lease_lost_) co_return true;
  if (!lost) {
    add_steps(fsm_.read_failed(context_.tick()));
    co_return true;
  }
  auto server = context_.find(endpoint_);
  if (!server || !restores_record(context_.options().on_data_loss, before, *lost)) {
    if (*lost == before) {
      context_.remark(name(), "the record of a connection is gone: it was removed, or has expired; its session is closed",
                      {});
    } else {
      context_.remark(name(), "the store has lost the record of a connection: its session is closed", {});
    }
    co_return false;
  }
  co_await restore(std::move(*server));
  co_return true;
}

// As an order, in one step with the lease, which is lost as well. Its revision is above all that were seen.
asio::awaitable<void> connection_supervisor::restore(destination server) {
  const std::optional<connection> none;
  change wanted = make_order(name(), none, server);
  wanted.based_on(basis()).revise_above(fsm_.revision());
  lease_request asked(lease_.holder, registered_, context_.lease_span());
  const auto requested = clock::now();
  auto written = co_await context_.records().order(std::move(wanted), std::move(asked));
  if (lease_lost_) co_return;
  if (!written && written.error().is(cond::conflict)) co_return request_read();  // somebody was faster
  if (!written) co_return add_steps(fsm_.read_failed(context_.tick()));
  if (written->granted.holder != lease_.holder) co_return lose_lease();
  lease_ = std::move(written->granted);
  lease_until_ = requested + context_.lease_span();
  lease_refused_ = false;
  losses_seen_ = context_.losses();
  endpoint_ = endpoint_of(written->record.info);
  context_.remark(name(), "the store has lost the record of a connection: it is written again", {});
  add_steps(fsm_.record_restored(context_.tick(), view_of(written->record, context_.store_time())));
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
