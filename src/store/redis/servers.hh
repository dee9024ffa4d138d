// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include <mcpstate/open_store.hpp>

#include "redis/durable/durable_writer.hh"
#include "redis/executor.hh"
#include "redis/sentinel/sentinel_executor.hh"

// The connections of a store to the servers that a URL names: one, or the primary that Sentinels name.
namespace mcpstate {

// Executor: what it makes lives on the given one. Lifetime: needs no end of its own.
class redis_servers {
 public:
  // Of a URL whose servers are no cluster.
  redis_servers(asio::any_io_executor executor, const store_url& url, const store_options& options);

  // One more executor. All of them follow one primary, and leave it in the same turn.
  [[nodiscard]] std::shared_ptr<redis::executor> open(redis::link_config config) const;
  // Null unless the options ask for it.
  [[nodiscard]] std::unique_ptr<redis::durable_writer> open_durable(redis::link_config config) const;

 private:
  asio::any_io_executor executor_;
  std::optional<unsigned> replicas_;
  std::shared_ptr<redis::sentinel_watch> watch_;  // null for one server
};

// The configuration of a watch of the Sentinels that a URL names.
[[nodiscard]] redis::sentinel_config sentinel_config_of(const store_url& url, redis::link_config link);

}  // namespace mcpstate
