// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

// Limits the rate of requests: one token bucket per key. The time is passed in. Safe to use from any thread.
namespace mcpstate::service {

class rate_limit {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  // per_second: how many requests a bucket gains in a second; 0: no limit. burst: how many a full bucket holds, at least 1.
  // Beyond max_buckets keys the least recently used bucket is forgotten: that key begins with a full one again.
  rate_limit(double per_second, double burst, std::size_t max_buckets = 10'000);

  // Absent: the request is allowed and counted. Otherwise the time until it would be allowed (at least 1 ms); it is not
  // counted. A `now` before that of an earlier call counts as equal to it.
  [[nodiscard]] std::optional<std::chrono::milliseconds> take(const std::string& key, time_point now);
  [[nodiscard]] std::size_t buckets() const;

 private:
  struct bucket {
    std::string key;
    double level;
    time_point updated_at;
  };
  using buckets_by_use = std::list<bucket>;  // most recently used last
  bucket& bucket_of(const std::string& key, time_point now);

  const double per_second_, burst_;
  const std::size_t max_buckets_;
  mutable std::mutex mutex_;  // guards what follows
  buckets_by_use used_;
  std::unordered_map<std::string_view, buckets_by_use::iterator> by_key_;  // views of used_'s keys
};

}  // namespace mcpstate::service
