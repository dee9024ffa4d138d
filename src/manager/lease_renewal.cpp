// SPDX-License-Identifier: MIT
#include "manager/lease_renewal.hh"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "manager/fleet/fleet_rules.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;
using clock = connection_supervisor::clock;

constexpr auto shortest_pause = 10ms;

}  // namespace

asio::awaitable<void> lease_renewal::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const manager_options& options = context_.options();
  const auto period = context_.lease_span() / 3;
  const auto retry_pause = std::max<std::chrono::milliseconds>(options.lease_time / 15, shortest_pause);
  bool renewed = true;
  while (!context_.stopping()) {
    if (!co_await aio::wait_until(aio::after(renewed ? period : retry_pause))) break;
    renewed = co_await renew_all();
  }
}

// False: the store did not answer.
asio::awaitable<bool> lease_renewal::renew_all() {
  std::vector<lease> granted;
  for (const auto& [name, supervisor] : supervisors_.all()) {
    if (!supervisor->has_lost_lease()) granted.push_back(supervisor->granted());
  }
  if (granted.empty()) co_return true;
  const auto span = context_.lease_span();
  // Counted from before the request: the store counts from a later moment, so ours ends first.
  const auto until = clock::now() + span;
  std::vector<lease> asked = granted;
  auto answered = co_await context_.leases().renew_leases(std::move(asked), span);
  if (!answered) co_return false;
  std::set<managed_name> lost;
  for (const lease& entry : *answered) lost.insert(entry.name);
  // A store that has lost everything has lost the leases, too: their supervisors are to know that.
  if (!lost.empty()) {
    auto known = co_await context_.find_losses();
    if (!known) co_return false;
  }
  for (const lease& entry : granted) {
    const auto supervisor = supervisors_.find(entry.name);
    if (!supervisor || supervisor->granted() != entry) continue;
    if (lost.contains(entry.name)) {
      supervisor->lease_refused();
    } else {
      supervisor->lease_renewed(until);
    }
  }
  co_return true;
}

asio::awaitable<void> lease_renewal::watch_deadlines() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto period = std::max<std::chrono::milliseconds>(context_.options().lease_time / 60, shortest_pause);
  while (co_await aio::wait_until(aio::after(period))) {
    const auto now = clock::now();
    for (const auto& [name, supervisor] : supervisors_.all()) {
      if (supervisor->lease_until() <= now && !supervisor->has_lost_lease()) supervisor->lose_lease();
    }
  }
}

}  // namespace mcpstate
