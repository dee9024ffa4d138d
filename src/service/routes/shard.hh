// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <mcpstate/manager.hpp>
#include <mcpstate/store.hpp>

#include "service/events/event_broker.hh"
#include "service/operations/stats_cache.hh"
#include "service/routes/process_services.hh"
#include "service/routes/tools_reads.hh"

// A shard is one executor with everything that works for the owners who live in it: store, manager, live events. An owner
// lives in the shard that the hash of the owner selects, so all requests of an owner meet the same objects, without locks. A
// process has one shard today.
namespace mcpstate::service {

// Executor: the store's; all members are used on it. Lifetime: store, manager and process services outlive it; await
// events.close() before destroying it.
struct shard {
  shard(mcpstate::store& shard_store, mcpstate::manager& shard_manager, process_services& process)
      : executor(shard_store.executor()),
        store(shard_store),
        manager(shard_manager),
        events(shard_store, event_broker_options(), &process.metrics),
        stats(shard_store, process.metrics),
        tools(shard_store, process) {}

  asio::any_io_executor executor;
  mcpstate::store& store;
  mcpstate::manager& manager;
  event_broker events;
  stats_cache stats;
  tools_reads tools;
  std::map<owner, std::size_t> event_streams;  // open streams of clients with an owner token
};

// The index of the shard in which an owner lives, among `count` shards. Pure.
[[nodiscard]] std::size_t shard_index(const owner& account, std::size_t count);

// All shards of the process. Shards are added on the executor of the server, at once or when the store is there. Safe to read from
// any thread after that.
class shard_set {
 public:
  shard& add(mcpstate::store& shard_store, mcpstate::manager& shard_manager, process_services& process);
  // The shard in which the owner lives. A request that names no owner (operators' routes) is served by the first shard. At
  // least one shard has been added.
  [[nodiscard]] shard& select(const std::optional<owner>& account) const;
  // Whether the process still waits for its store.
  [[nodiscard]] bool empty() const noexcept { return shards_.empty(); }
  [[nodiscard]] shard& front() const { return *shards_.front(); }
  [[nodiscard]] const std::vector<std::unique_ptr<shard>>& all() const noexcept { return shards_; }

 private:
  std::vector<std::unique_ptr<shard>> shards_;
};

}  // namespace mcpstate::service
