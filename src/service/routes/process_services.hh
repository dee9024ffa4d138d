// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <mutex>

#include <boost/asio/thread_pool.hpp>

#include <mcpstate/core/byte_budget.hpp>
#include <mcpstate/manager.hpp>

#include "service/gate/access_keys.hh"
#include "service/gate/rate_limit.hh"
#include "service/operations/log.hh"
#include "service/operations/metrics.hh"
#include "service/routes/known_lists.hh"

// What exists once per process, whatever the number of shards: tokens, the registry of servers, rate limits, budgets,
// metrics and the log.
//
// Contract: every member is safe to use from any thread, and none holds the state of an owner's connections. (Today one
// thread runs everything.) What belongs to an owner is in the owner's shard (shard.hh).
namespace mcpstate::service {

// Answers of up to so many bytes are not counted: they are in the buffers of the socket before the next one is made.
inline constexpr std::size_t small_answer_bytes = 64 * 1024;

// What is checked or hashed on the executor itself, at most: a millisecond or two. More goes to the background.
inline constexpr std::size_t quick_text_bytes = 256 * 1024;

struct process_options {
  process_options() {}
  access_keys keys;                                          // empty: no token is needed
  std::shared_ptr<const server_registry> servers;            // null: none
  double owner_requests_per_second = 50, owner_burst = 200;  // of requests with an owner token; 0: no limit
  // Of requests to connect or to retry with an owner token. Each may start a program, or a handshake with a far server; a page
  // that opens connects everything that its user has at once.
  double owner_connects_per_second = 5, owner_connect_burst = 50;
  // What has arrived of the bodies of all requests under way, and of those of one owner: the largest body is 17 MiB.
  std::size_t request_bodies_bytes = 128 * 1024 * 1024, owner_request_bodies_bytes = 32 * 1024 * 1024;
  // Of answers that are being made or sent, and of those of one owner: four tool lists of the largest size. A quarter, so that
  // an owner whose clients read nothing leaves room for others. Small answers count nothing.
  std::size_t answers_bytes = 256 * 1024 * 1024, owner_answers_bytes = 64 * 1024 * 1024;
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
  rate_limit owner_rate, owner_connects;
  byte_budget request_bodies, answers;
  known_lists lists;

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const access_keys> keys_;
  std::shared_ptr<const server_registry> servers_;

 public:
  // For what would keep an executor busy: checking and hashing large texts, reading files. It is joined before all else goes.
  boost::asio::thread_pool background{2};  // a file that cannot be read leaves one
};

}  // namespace mcpstate::service
