// SPDX-License-Identifier: MIT
#include "manager/origin_limit.hh"

#include <utility>

namespace mcpstate {

origin_limit::seat& origin_limit::seat::operator=(seat&& other) noexcept {
  if (this == &other) return *this;
  leave();
  from_ = std::exchange(other.from_, nullptr);
  origin_ = std::move(other.origin_);
  return *this;
}

void origin_limit::seat::leave() {
  if (origin_limit* from = std::exchange(from_, nullptr)) from->leave(origin_);
}

std::size_t origin_limit::inside(const std::string& origin) const {
  const auto found = origins_.find(origin);
  return found == origins_.end() ? 0 : found->second.inside;
}

// The seat goes to the next in the queue.
void origin_limit::leave(const std::string& origin) {
  const auto found = origins_.find(origin);
  if (found == origins_.end()) return;
  for (waiter& next : found->second.queue) {
    if (next.called.is_open()) continue;
    next.called.open();
    return;
  }
  if (--found->second.inside == 0 && found->second.queue.empty()) origins_.erase(found);
}

asio::awaitable<origin_limit::seat> origin_limit::enter(std::string origin) {
  co_await asio::this_coro::throw_if_cancelled(false);
  entry& there = origins_[origin];
  if (there.inside < most_) {
    ++there.inside;
    co_return seat(*this, std::move(origin));
  }
  // The entry stays while somebody is in its queue.
  const auto mine = there.queue.emplace(there.queue.end());
  const bool called = co_await mine->called.wait();
  there.queue.erase(mine);
  if (called) co_return seat(*this, std::move(origin));
  co_return seat();
}

}  // namespace mcpstate
