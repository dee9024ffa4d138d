// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

// How often each owner may ask: one token bucket per key. Pure; the time is passed in.
namespace mcpstate::service {

class rate_limit {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  // per_second: how fast a bucket fills; 0: nothing is limited. burst: what a full one holds, at least 1. Of more than
  // max_buckets keys the one that has not asked for the longest time is forgotten: its bucket is full again.
  rate_limit(double per_second, double burst, std::size_t max_buckets = 10'000);

  // Absent: allowed, and counted. Else nothing is counted, and this is the time until it would be allowed (at least 1 ms).
  // A time before that of an earlier call counts as that one.
  [[nodiscard]] std::optional<std::chrono::milliseconds> take(const std::string& key, time_point now);
  [[nodiscard]] std::size_t buckets() const noexcept { return used_.size(); }

 private:
  struct bucket {
    std::string key;
    double level;
    time_point at;
  };
  using buckets_by_use = std::list<bucket>;  // the last one asked last
  bucket& bucket_of(const std::string& key, time_point now);

  double per_second_, burst_;
  std::size_t max_buckets_;
  buckets_by_use used_;
  std::unordered_map<std::string_view, buckets_by_use::iterator> by_key_;  // views of used_'s keys
};

}  // namespace mcpstate::service
