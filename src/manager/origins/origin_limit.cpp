// SPDX-License-Identifier: MIT
#include "manager/origins/origin_limit.hh"

#include <utility>

namespace mcpstate {

origin_limit::slot& origin_limit::slot::operator=(slot&& other) noexcept {
  if (this == &other) return *this;
  release();
  source_ = std::exchange(other.source_, nullptr);
  origin_ = std::move(other.origin_);
  owner_ = std::move(other.owner_);
  return *this;
}

void origin_limit::slot::release() {
  if (origin_limit* const source = std::exchange(source_, nullptr)) source->release(origin_, owner_);
}

std::size_t origin_limit::in_use(const std::string& origin) const {
  const auto found = origins_.find(origin);
  return found == origins_.end() ? 0 : found->second.in_use;
}

origin_limit::waiter* origin_limit::next_waiter(entry& origin) {
  waiter* out = nullptr;
  std::size_t fewest = 0;
  for (waiter& candidate : origin.queue) {
    if (candidate.granted.is_open()) continue;
    const auto found = origin.slots.find(candidate.owner);
    const std::size_t slots = found == origin.slots.end() ? 0 : found->second;
    if (out == nullptr || slots < fewest) {
      out = &candidate;
      fewest = slots;
    }
    if (fewest == 0) break;
  }
  return out;
}

// The slot goes to the next waiter, if there is one.
void origin_limit::release(const std::string& origin, const std::string& owner) {
  const auto found = origins_.find(origin);
  if (found == origins_.end()) return;
  entry& state = found->second;
  if (const auto used = state.slots.find(owner); used != state.slots.end() && --used->second == 0) state.slots.erase(used);
  if (waiter* const next = next_waiter(state)) {
    ++state.slots[next->owner];
    next->granted.open();
    return;
  }
  if (--state.in_use == 0 && state.queue.empty()) origins_.erase(found);
}

asio::awaitable<origin_limit::slot> origin_limit::acquire(std::string origin, std::string owner, aio::deadline until) {
  co_await asio::this_coro::throw_if_cancelled(false);
  entry& state = origins_[origin];
  if (state.in_use < limit_) {
    ++state.in_use;
    ++state.slots[owner];
    co_return slot(*this, std::move(origin), std::move(owner));
  }
  // The entry stays in the map while its queue is not empty, so the reference stays valid.
  const auto queued = state.queue.emplace(state.queue.end(), owner);
  const bool granted = co_await queued->granted.wait(until);
  state.queue.erase(queued);
  if (granted) co_return slot(*this, std::move(origin), std::move(owner));
  co_return slot();
}

}  // namespace mcpstate
