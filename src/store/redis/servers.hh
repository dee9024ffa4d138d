// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include <mcpstate/open_store.hpp>

#include "redis/cluster/cluster_router.hh"
#include "redis/durable/durable_writer.hh"
#include "redis/executor.hh"
#include "redis/sentinel/sentinel_executor.hh"

// The connections of a store to the servers that a URL names: one, the primary that Sentinels name, or those of a cluster.
namespace mcpstate {

// Executor: what it makes lives on the given one. Lifetime: needs no end of its own.
class redis_servers {
 public:
  redis_servers(asio::any_io_executor executor, const store_url& url, const store_options& options);

  // The one server that the URL names belongs to a cluster: what is opened from now on talks to all of it.
  void use_cluster() noexcept { is_cluster_ = true; }
  [[nodiscard]] bool is_cluster() const noexcept { return is_cluster_; }

  // One more executor. Those behind Sentinels follow one primary, and leave it in the same turn.
  [[nodiscard]] std::shared_ptr<redis::executor> open(redis::link_config config) const;
  // Null unless the options ask for it.
  [[nodiscard]] std::unique_ptr<redis::durable_writer> open_durable(redis::link_config config) const;

 private:
  asio::any_io_executor executor_;
  redis::cluster_config cluster_;  // without its link
  bool is_cluster_;
  std::optional<unsigned> replicas_;
  std::shared_ptr<redis::sentinel_watch> watch_;  // null for one server
};

// The configuration of a watch of the Sentinels that a URL names.
[[nodiscard]] redis::sentinel_config sentinel_config_of(const store_url& url, redis::link_config link);

}  // namespace mcpstate
