// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <vector>

#include "service/routes/shard.hh"
#include "service/server/service_options.hh"

// The HTTP server: listens, and serves the API and the dashboard over the shards of the process.
namespace mcpstate::service {

// Executor: the given one, or that of the first shard; all members. Lifetime: process services and shards outlive it; await close() before
// destroying it.
class server {
 public:
  // shards: at least one.
  server(process_services& process, shard_set& shards, service_options options);
  // Shards may be added while it listens. Until then requests that need one are answered with 503.
  server(process_services& process, shard_set& shards, service_options options, asio::any_io_executor executor);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Binds every address and begins to serve. Nothing listens after a failure: bad_argument (an address that is not a
  // loopback one, and no keys), resolve_failed, connect_failed (the address is in use, or not of this machine).
  task<void> listen();
  [[nodiscard]] std::vector<asio::ip::tcp::endpoint> endpoints() const;
  // To be called after the keys of the process have changed. Event streams whose token is no longer valid end. Other
  // connections stay open, because each request is checked on its own.
  void recheck_tokens();
  [[nodiscard]] std::size_t connections() const noexcept;
  // Stops in two phases. First nobody new is accepted, idle connections and event streams end, and requests under way are
  // answered. After timeouts.shutdown the rest is cut off. Also closes the event brokers of the shards. Not cancellable.
  asio::awaitable<void> close();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace mcpstate::service
