// SPDX-License-Identifier: MIT
#include "manager/origin_limit.hh"

#include <utility>

namespace mcpstate {

origin_limit::seat& origin_limit::seat::operator=(seat&& other) noexcept {
  if (this == &other) return *this;
  leave();
  from_ = std::exchange(other.from_, nullptr);
  origin_ = std::move(other.origin_);
  whose_ = std::move(other.whose_);
  return *this;
}

void origin_limit::seat::leave() {
  if (origin_limit* from = std::exchange(from_, nullptr)) from->leave(origin_, whose_);
}

std::size_t origin_limit::inside(const std::string& origin) const {
  const auto found = origins_.find(origin);
  return found == origins_.end() ? 0 : found->second.inside;
}

origin_limit::waiter* origin_limit::next_of(entry& there) {
  waiter* out = nullptr;
  std::size_t fewest = 0;
  for (waiter& each : there.queue) {
    if (each.called.is_open()) continue;
    const auto has = there.seats.find(each.whose);
    const std::size_t seats = has == there.seats.end() ? 0 : has->second;
    if (out == nullptr || seats < fewest) {
      out = &each;
      fewest = seats;
    }
    if (fewest == 0) break;
  }
  return out;
}

// The seat goes to the next in the queue.
void origin_limit::leave(const std::string& origin, const std::string& whose) {
  const auto found = origins_.find(origin);
  if (found == origins_.end()) return;
  entry& there = found->second;
  if (const auto mine = there.seats.find(whose); mine != there.seats.end() && --mine->second == 0) there.seats.erase(mine);
  if (waiter* const next = next_of(there)) {
    ++there.seats[next->whose];
    next->called.open();
    return;
  }
  if (--there.inside == 0 && there.queue.empty()) origins_.erase(found);
}

asio::awaitable<origin_limit::seat> origin_limit::enter(std::string origin, std::string whose) {
  co_await asio::this_coro::throw_if_cancelled(false);
  entry& there = origins_[origin];
  if (there.inside < most_) {
    ++there.inside;
    ++there.seats[whose];
    co_return seat(*this, std::move(origin), std::move(whose));
  }
  // The entry stays while somebody is in its queue.
  const auto mine = there.queue.emplace(there.queue.end(), whose);
  const bool called = co_await mine->called.wait();
  there.queue.erase(mine);
  if (called) co_return seat(*this, std::move(origin), std::move(whose));
  co_return seat();
}

}  // namespace mcpstate
