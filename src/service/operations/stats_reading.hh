// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>

#include <mcpstate/store.hpp>

#include "service/operations/metrics.hh"

// The counts over the whole store. Taking them reads all of it, so all who ask share one reading: one that is under way, or
// one that is not old yet.
namespace mcpstate::service {

// How old a reading may be before the store is read again.
inline constexpr std::chrono::milliseconds stats_kept = std::chrono::seconds(2);

// Executor: the store's. Lifetime: the store and the metrics outlive it, and it outlives the tasks it gives out.
class stats_reading {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  stats_reading(store& records, metrics& figures);

  struct taken {
    taken() {}
    store_stats counts;
    time_point at{};  // the reading was begun then
  };
  // Not older than stats_kept at `now`. A failure is told to those who wait for that reading, and then forgotten.
  // Cancellation: not of the one whose call reads the store; it would be everybody's.
  task<taken> get(time_point now);

 private:
  task<taken> read(time_point now);

  store& store_;
  metrics& metrics_;
  std::optional<taken> last_;
  // Set while the store is read: cancelled when that is over, and where its outcome is.
  struct turn;
  std::shared_ptr<turn> reading_;
};

}  // namespace mcpstate::service
