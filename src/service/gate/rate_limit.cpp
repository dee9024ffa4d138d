// SPDX-License-Identifier: MIT
#include "service/gate/rate_limit.hh"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mcpstate::service {

rate_limit::rate_limit(double per_second, double burst, std::size_t max_buckets)
    : per_second_(per_second), burst_(std::max(burst, 1.0)), max_buckets_(std::max<std::size_t>(max_buckets, 1)) {}

// The bucket of this key, filled up to now and marked as the most recently used one.
rate_limit::bucket& rate_limit::bucket_of(const std::string& key, time_point now) {
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    used_.splice(used_.end(), used_, known->second);
  } else {
    if (used_.size() == max_buckets_) {
      by_key_.erase(used_.front().key);
      used_.pop_front();
    }
    used_.push_back(bucket{key, burst_, now});
    by_key_.emplace(used_.back().key, std::prev(used_.end()));
  }
  auto& found = used_.back();
  const std::chrono::duration<double> passed = std::max(now, found.updated_at) - found.updated_at;
  found.level = std::min(burst_, found.level + passed.count() * per_second_);
  found.updated_at = std::max(now, found.updated_at);
  return found;
}

std::size_t rate_limit::buckets() const {
  const std::lock_guard lock(mutex_);
  return used_.size();
}

std::optional<std::chrono::milliseconds> rate_limit::take(const std::string& key, time_point now) {
  if (per_second_ <= 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  auto& used = bucket_of(key, now);
  constexpr double rounding = 1e-6;
  if (used.level >= 1 - rounding) {
    used.level = std::max(0.0, used.level - 1);
    return std::nullopt;
  }
  constexpr double longest = 86'400'000;
  const double wait = std::ceil((1 - used.level) / per_second_ * 1000);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::clamp(wait, 1.0, longest)));
}

}  // namespace mcpstate::service
