// SPDX-License-Identifier: MIT
#include "manager/record_sweep.hh"

#include <algorithm>
#include <utility>

#include "manager/fleet/fleet_rules.hh"
#include "manager/servers/destination.hh"

namespace mcpstate {

namespace {

constexpr std::size_t longest_holder = 240;       // bytes
constexpr std::size_t requests_per_portion = 64;  // to the store, a few more for what is found

// All other errors are about one record or one owner: the sweep goes on to the next.
bool is_outage(const error& reason) {
  return reason.is(cond::unavailable) || reason.is(cond::timeout) || reason.is(cond::cancelled);
}

}  // namespace

// The instances share the work by taking turns at random: the more there are, the less often each of them reads.
std::chrono::milliseconds record_sweep::pause(bool complete) {
  const auto& options = context_.options();
  const auto whole = sweep_pause(options.lease_time, options.beat_every, context_.members().instances.size(), complete);
  std::uniform_real_distribution<double> spread(0.5, 1.5);
  return std::chrono::duration_cast<std::chrono::milliseconds>(whole * spread(context_.random()));
}

asio::awaitable<void> record_sweep::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool complete = true;
  while (!context_.stopping()) {
    if (!co_await aio::wait_until(aio::after(pause(complete)))) break;
    auto read = co_await read_some();
    // An outage is told by the beat. What was not read comes the next time.
    complete = read && *read;
    if (!read) cursor_.clear();
  }
}

// One portion. Answers whether all records have been read now.
task<bool> record_sweep::read_some() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (std::size_t request = 0; request < requests_per_portion && !context_.stopping(); ++request) {
    if (!candidates_.empty()) {
      candidate next = std::move(candidates_.front());
      candidates_.pop_front();
      auto checked = co_await check(std::move(next));
      if (!checked && is_outage(checked.error())) co_return checked.error();
    } else if (!owners_.empty()) {
      owner next = std::move(owners_.back());
      owners_.pop_back();
      auto read = co_await read_owner(std::move(next));
      if (!read && is_outage(read.error())) co_return read.error();
    } else if (std::exchange(last_page_, false)) {
      co_return true;
    } else {
      MCPSTATE_CO_CHECK(co_await read_page());
    }
    // A store in memory never waits: let others run.
    co_await asio::post(context_.records().executor(), asio::use_awaitable);
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) co_return error(errc::stopped, "the sweep was cancelled");
  }
  co_return false;
}

task<void> record_sweep::read_page() {
  std::string cursor = cursor_;
  MCPSTATE_CO_TRY(page, co_await context_.records().scan(std::move(cursor)));
  for (owner_summary& each : page.owners) owners_.push_back(std::move(each.owner));
  cursor_ = std::move(page.cursor);
  last_page_ = cursor_.empty();
  co_return result<void>();
}

task<void> record_sweep::read_owner(owner account) {
  MCPSTATE_CO_TRY(records, co_await context_.records().list(account, tools_wanted::no));
  for (const auto& record : *records) {
    const auto server = server_name::parse(record.server);
    if (!server || !record.info.managed || record.state == status::disconnected) continue;
    managed_name name(account, *server);
    if (!supervisors_.find(name)) candidates_.emplace_back(std::move(name), record.info.registered);
  }
  co_return result<void>();
}

task<void> record_sweep::check(candidate one) {
  MCPSTATE_CO_TRY(granted, co_await context_.leases().lease_of(one.name));
  if (granted || supervisors_.find(one.name)) co_return result<void>();
  co_return co_await offer(std::move(one));
}

// A lease that is taken and handed over at once puts the connection where every instance looks for work. Whoever takes it
// reads the record, and ends the lease of one that is over.
task<void> record_sweep::offer(candidate one) {
  const auto span = context_.lease_span();
  // The holder is nobody who could manage it, so that an order at this instance in between does not share the lease.
  std::string holder = context_.options().instance.substr(0, longest_holder) + " sweep", registered = one.registered;
  MCPSTATE_CO_TRY(taken, co_await context_.leases().take_lease(one.name, std::move(holder), std::move(registered), span));
  if (!taken || supervisors_.find(one.name)) co_return result<void>();
  co_return co_await context_.leases().end_lease(std::move(*taken), lease_end::hand_over);
}

}  // namespace mcpstate
