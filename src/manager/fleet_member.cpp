// SPDX-License-Identifier: MIT
#include "manager/fleet_member.hh"

#include <algorithm>
#include <utility>

#include "manager/fleet/fleet_rules.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;
constexpr auto leave_limit = 300ms;
constexpr auto shortest_beat_pause = 10ms;
constexpr std::size_t max_offered = 128;  // half of fleet::unheld
constexpr auto evictions_pause = 10s;     // between two words about evictions
constexpr std::size_t max_told_faults = 1024;

}  // namespace

asio::awaitable<void> fleet_member::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const manager_options& options = context_.options();
  const auto validity = report_span(options.lease_time, options.beat_every);
  bool outage_reported = false;
  bool first = true;
  context_.set_reported_until(clock::now() + validity);  // the first report is under way
  while (!context_.stopping()) {
    const auto started = clock::now();
    instance_report self = context_.report(supervisors_.size());
    auto answered = co_await context_.leases().beat(std::move(self), validity);
    if (context_.stopping()) break;
    const bool full = !answered && answered.error().is(cond::exhausted);  // it takes reports again when it has room
    if (answered || full) {
      context_.set_reported_until(started + validity);
    } else if (first) {
      context_.set_reported_until(clock::time_point());
    }
    first = false;
    if (answered) {
      report_faults(answered->faults);
      context_.set_members(std::move(*answered));
      outage_reported = false;
      share_work();
      co_await follow_losses();
      if (context_.stopping()) break;
    } else if (!std::exchange(outage_reported, true)) {
      context_.remark("the store does not answer", answered.error());
    }
    const auto next = std::max(started + options.beat_every, clock::now() + shortest_beat_pause);
    if (!co_await aio::wait_until(next)) break;
  }
}

// What the store has lost since the last beat is told. Where another server answers, each connection that is managed here is
// looked at: its record may be gone.
asio::awaitable<void> fleet_member::follow_losses() {
  auto found = co_await context_.find_losses();
  if (!found) co_return;
  const data_losses before = std::exchange(losses_, *found).value_or(*found);
  using cause = manager_observer::loss_cause;
  const auto tell = [this](cause what, std::uint64_t count) {
    if (count != 0 && context_.observer() != nullptr) context_.observer()->on_data_loss(what, count);
  };
  tell(cause::replaced, found->replaced - before.replaced);
  tell(cause::flushed, found->flushed - before.flushed);
  // A server may evict all the time.
  const auto now = clock::now();
  if (now < next_evictions_) {
    losses_->evicted = before.evicted;
  } else if (found->evicted != before.evicted) {
    tell(cause::evicted, found->evicted - before.evicted);
    next_evictions_ = now + evictions_pause;
  }
  if (found->replaced == before.replaced) co_return;
  for (const auto& [name, supervisor] : supervisors_.all()) supervisor->request_read_anew();
}

// Each once: what stands in a wrong key stays there until a person removes it.
void fleet_member::report_faults(const std::vector<error>& faults) {
  for (const error& fault : faults) {
    if (told_faults_.size() >= max_told_faults) return;
    if (told_faults_.insert(fault.detail()).second)
      context_.remark("what is stored about managed connections is odd", fault);
  }
}

asio::awaitable<void> fleet_member::leave() {
  auto leaving = context_.leases().beat(context_.report(supervisors_.size()), 0ms);
  auto bounded = aio::with_deadline(std::move(leaving), aio::after(leave_limit), "leaving the fleet");
  auto left = co_await std::move(bounded);
  if (!left) context_.remark("the others do not know that this process stops", left.error());
}

void fleet_member::share_work() {
  const std::size_t share = fair_share(context_.members(), context_.report(supervisors_.size()));
  adopting_.offer(context_.members().unheld, std::min(share, context_.options().max_connections));
  hand_over_surplus(share);
  offer_stranded();
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
// that they do not delay other connections that nobody manages. Those that nobody takes come back (adoption).
void fleet_member::offer_stranded() {
  std::set<std::string> reaches = context_.reaches_of_others();
  if (!std::includes(known_reaches_.begin(), known_reaches_.end(), reaches.begin(), reaches.end())) {
    stranded_.clear();
    for (const auto& [name, supervisor] : supervisors_.all()) {
      if (supervisor->is_stranded()) stranded_.push_back(name);
    }
  }
  known_reaches_ = std::move(reaches);
  const std::size_t unheld = context_.members().unheld.size();
  for (std::size_t offered = unheld; offered < max_offered && !stranded_.empty(); ++offered) {
    const auto supervisor = supervisors_.find(stranded_.back());
    stranded_.pop_back();
    if (supervisor && supervisor->is_stranded()) supervisor->request_hand_over();
  }
}

}  // namespace mcpstate
