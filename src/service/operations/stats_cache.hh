// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <memory>
#include <optional>

#include <mcpstate/store.hpp>

#include "service/operations/metrics.hh"

// Caches the counts over the whole store. Counting reads everything, so callers share one reading: the one that is under
// way, or a recent one.
namespace mcpstate::service {

// How old a reading may be before the store is read again.
inline constexpr std::chrono::milliseconds max_stats_age = std::chrono::seconds(2);

// Executor: the store's. Lifetime: the store and the metrics outlive it, and it outlives the tasks that it hands out.
class stats_cache {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  stats_cache(store& counted_store, metrics& store_metrics);

  struct snapshot {
    snapshot() {}
    store_stats stats;
    time_point started_at{};  // of the reading
  };
  // A snapshot that is at most max_stats_age old at `now`. A failure is reported to the callers that wait for that reading
  // and is not cached. Cancellation: ends the wait of a caller, and never the reading, which belongs to all of them.
  task<snapshot> get(time_point now);

 private:
  struct reading;
  task<snapshot> read(time_point now);

  store& store_;
  metrics& metrics_;
  std::optional<snapshot> last_;
  std::shared_ptr<reading> reading_;  // while the store is read
};

}  // namespace mcpstate::service
