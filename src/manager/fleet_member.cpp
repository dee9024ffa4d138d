// SPDX-License-Identifier: MIT
#include "manager/fleet_member.hh"

#include <algorithm>
#include <utility>

#include "manager/fleet_rules.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;
using unreachable_rule = supervisor_set::unreachable_rule;

constexpr auto leave_limit = 300ms;
constexpr auto shortest_beat_pause = 10ms;
constexpr std::size_t max_offered = 128;  // half of fleet::unheld

}  // namespace

asio::awaitable<void> fleet_member::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const manager_options& options = context_.options();
  const auto validity = report_span(options);
  bool outage_reported = false;
  while (!context_.stopping()) {
    const auto started = clock::now();
    instance_report self = context_.report(supervisors_.size());
    auto answered = co_await context_.records().leases().beat(std::move(self), validity);
    if (context_.stopping()) break;
    if (answered) {
      context_.set_members(std::move(*answered));
      outage_reported = false;
      co_await share_work();
    } else if (!std::exchange(outage_reported, true)) {
      context_.remark("the store does not answer", answered.error());
    }
    const auto next = std::max(started + options.beat_every, clock::now() + shortest_beat_pause);
    if (!co_await aio::wait_until(next)) break;
  }
}

asio::awaitable<void> fleet_member::leave() {
  auto leaving = context_.records().leases().beat(context_.report(supervisors_.size()), 0ms);
  auto bounded = aio::with_deadline(std::move(leaving), aio::after(leave_limit), "leaving the fleet");
  auto left = co_await std::move(bounded);
  if (!left) context_.remark("the others do not know that this process stops", left.error());
}

asio::awaitable<void> fleet_member::share_work() {
  const std::size_t share = fair_share(context_.members(), context_.report(supervisors_.size()));
  co_await adopt_all(std::min(share, context_.options().max_connections));
  hand_over_surplus(share);
  offer_stranded();
}

// Takes connections that nobody manages, until this process manages `limit`.
asio::awaitable<void> fleet_member::adopt_all(std::size_t limit) {
  std::vector<managed_name> free = context_.members().unheld;
  const std::set<managed_name> unheld(free.begin(), free.end());
  std::erase_if(unreachable_since_, [&unheld](const auto& entry) { return !unheld.contains(entry.first); });
  std::shuffle(free.begin(), free.end(), context_.random());  // other processes see the same list now
  for (managed_name& name : free) {
    if (context_.stopping() || supervisors_.size() >= limit) break;
    co_await adopt(std::move(name));
  }
}

void fleet_member::hand_over_surplus(std::size_t share) {
  const auto is_leaving = [](const auto& entry) { return entry.second->is_leaving(); };
  const auto& all = supervisors_.all();
  const auto leaving = static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_leaving));
  std::size_t left = surplus(all.size() - leaving, share);
  for (const auto& [name, supervisor] : all) {
    if (left == 0) break;
    if (supervisor->is_leaving()) continue;
    --left;
    supervisor->request_hand_over();
  }
}

// When a process with another reach joins, connections that are stranded here are handed over. They go a few at a time, so
// that they do not delay other connections that nobody manages. Those that nobody takes come back (leave_to_others).
void fleet_member::offer_stranded() {
  std::set<std::string> reaches = context_.reaches_of_others();
  if (!std::includes(known_reaches_.begin(), known_reaches_.end(), reaches.begin(), reaches.end())) {
    to_offer_.clear();
    for (const auto& [name, supervisor] : supervisors_.all()) {
      if (supervisor->is_stranded()) to_offer_.push_back(name);
    }
  }
  known_reaches_ = std::move(reaches);
  const std::size_t unheld = context_.members().unheld.size();
  for (std::size_t offered = unheld; offered < max_offered && !to_offer_.empty(); ++offered) {
    const auto supervisor = supervisors_.find(to_offer_.back());
    to_offer_.pop_back();
    if (supervisor && supervisor->is_stranded()) supervisor->request_hand_over();
  }
}

// A connection that this process cannot reach is left to other processes that may, for the time of a lease.
bool fleet_member::leave_to_others(const managed_name& name) {
  const auto since = unreachable_since_.try_emplace(name, clock::now()).first->second;
  return context_.may_others_reach() && clock::now() - since < context_.options().lease_time;
}

asio::awaitable<void> fleet_member::adopt(managed_name name) {
  auto got = co_await context_.records().get(name.owner, name.server, tools_wanted::no);
  if (!got || context_.stopping()) co_return;
  std::string registered;
  unreachable_rule rule = unreachable_rule::hand_over;
  if (*got) {
    registered = (*got)->info.registered;
    const bool reachable = context_.find(endpoint_of((*got)->info)).has_value();
    if (!reachable && leave_to_others(name)) co_return;
    if (!reachable) rule = unreachable_rule::fail;
  }
  auto managed = co_await supervisors_.ensure_managed(std::move(name), std::move(registered), rule);
  if (!managed) context_.remark("a connection could not be taken over", managed.error());
}

}  // namespace mcpstate
