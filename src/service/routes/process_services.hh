// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include <mcpstate/manager.hpp>

#include "service/gate/access_keys.hh"
#include "service/gate/rate_limit.hh"
#include "service/operations/log.hh"
#include "service/operations/metrics.hh"

// What exists once per process, whatever the number of shards: tokens, the registry of servers, rate limits, budgets,
// metrics and the log.
//
// Contract: every member is safe to use from any thread, and none holds the state of an owner's connections. (Today one
// thread runs everything.) What belongs to an owner is in the owner's shard (shard.hh).
namespace mcpstate::service {

// A number of bytes that requests reserve from, together at most `limit`.
class byte_budget {
 public:
  explicit byte_budget(std::size_t limit) : limit_(limit) {}
  byte_budget(const byte_budget&) = delete;
  byte_budget& operator=(const byte_budget&) = delete;

  // A part of the budget. It is given back when it is destroyed.
  class reservation {
   public:
    reservation() {}
    reservation(reservation&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    reservation& operator=(reservation&&) = delete;
    ~reservation() {
      if (budget_ != nullptr) budget_->used_ -= bytes_;
    }
    // False when the budget had no room.
    explicit operator bool() const noexcept { return budget_ != nullptr; }

   private:
    friend class byte_budget;
    reservation(byte_budget& budget, std::size_t bytes) : budget_(&budget), bytes_(bytes) {}
    byte_budget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };
  // Reserving no bytes always succeeds. The budget outlives its reservations.
  [[nodiscard]] reservation reserve(std::size_t bytes);

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_ = 0;
};

struct process_options {
  process_options() {}
  access_keys keys;                                          // empty: no token is needed
  std::shared_ptr<const server_registry> servers;            // null: none
  double owner_requests_per_second = 50, owner_burst = 200;  // of requests with an owner token; 0: no limit
  std::size_t request_bodies_bytes = 128 * 1024 * 1024;      // of the bodies of all requests under way
};

class process_services {
 public:
  // The log outlives it.
  process_services(process_options options, service::log& process_log);
  process_services(const process_services&) = delete;
  process_services& operator=(const process_services&) = delete;

  // The tokens that are valid now; never null.
  [[nodiscard]] std::shared_ptr<const access_keys> keys() const;
  void set_keys(access_keys keys);
  // The servers that are registered now; null: none. Managers are told by whoever calls set_servers().
  [[nodiscard]] std::shared_ptr<const server_registry> servers() const;
  void set_servers(std::shared_ptr<const server_registry> servers);

  service::log& log;
  service::metrics metrics;
  rate_limit owner_rate;
  byte_budget request_bodies;

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const access_keys> keys_;
  std::shared_ptr<const server_registry> servers_;
};

}  // namespace mcpstate::service
