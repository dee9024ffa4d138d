// SPDX-License-Identifier: MIT
#include <mcpstate/core/byte_budget.hpp>

#include <utility>

namespace mcpstate {

byte_budget::reservation::reservation(reservation&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)),
      owner_(std::move(other.owner_)),
      bytes_(std::exchange(other.bytes_, 0)) {}

byte_budget::reservation& byte_budget::reservation::operator=(reservation&& other) noexcept {
  if (this == &other) return *this;
  release();
  budget_ = std::exchange(other.budget_, nullptr);
  owner_ = std::move(other.owner_);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

bool byte_budget::reservation::resize(std::size_t bytes) {
  if (budget_ == nullptr || !budget_->change(owner_, bytes_, bytes, false)) return false;
  bytes_ = bytes;
  return true;
}

void byte_budget::reservation::force(std::size_t bytes) {
  if (budget_ == nullptr) return;
  static_cast<void>(budget_->change(owner_, bytes_, bytes, true));
  bytes_ = bytes;
}

void byte_budget::reservation::release() noexcept {
  if (bytes_ > 0) force(0);
}

bool byte_budget::has_room(const std::string& owner) const {
  const std::lock_guard lock(mutex_);
  const auto held = by_owner_.find(owner);
  return used_ < limit_ && (held == by_owner_.end() || held->second < share_);
}

std::size_t byte_budget::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

bool byte_budget::change(const std::string& owner, std::size_t from, std::size_t to, bool forced) {
  const std::lock_guard lock(mutex_);
  const auto known = owner.empty() ? by_owner_.end() : by_owner_.find(owner);
  const std::size_t held = known == by_owner_.end() ? 0 : known->second;
  const bool grows = to > from;
  const bool fits = used_ - from + to <= limit_ && (owner.empty() || held - from + to <= share_);
  if (grows && !forced && !fits) return false;
  used_ = used_ - from + to;
  if (owner.empty()) return true;
  if (known == by_owner_.end()) {
    if (to > from) by_owner_.emplace(owner, to - from);
  } else if (held - from + to == 0) {
    by_owner_.erase(known);
  } else {
    known->second = held - from + to;
  }
  return true;
}

}  // namespace mcpstate
