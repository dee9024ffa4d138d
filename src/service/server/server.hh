// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/manager.hpp>
#include <mcpstate/store.hpp>

#include "service/gate/access.hh"
#include "service/operations/log.hh"
#include "service/operations/metrics.hh"

// The HTTP service: listens, and answers for one store and one manager.
namespace mcpstate::service {

struct listen_place {
  listen_place() {}
  std::string host = "127.0.0.1";  // an address, or a name that is looked up when listening begins
  std::uint16_t port = 7337;       // 0: any free one
};

struct service_timeouts {
  service_timeouts() {}
  std::chrono::milliseconds head = std::chrono::seconds(10);       // from its first byte, or from the connection's beginning
  std::chrono::milliseconds body = std::chrono::seconds(30);       // from the end of the head …
  std::chrono::milliseconds idle = std::chrono::seconds(75);       // between two requests
  std::chrono::milliseconds write = std::chrono::seconds(30);      // for the client to take what we send …
  std::chrono::milliseconds per_64_kib = std::chrono::seconds(1);  // … and this much more for each 64 KiB of them
  std::chrono::milliseconds heartbeat = std::chrono::seconds(15);  // of a quiet event stream
  std::chrono::milliseconds shutdown = std::chrono::milliseconds(1500);  // for requests under way; then they are cut
};

struct service_options {
  service_options() {}
  std::vector<listen_place> listen;
  std::vector<std::string> allowed_hosts, allowed_origins;
  access_keys keys;  // empty: no token is needed; listen on loopback addresses only
  std::size_t head_bytes = 16 * 1024, body_bytes = 1024 * 1024, state_body_bytes = 17 * 1024 * 1024;
  std::size_t bodies_bytes = 128 * 1024 * 1024;  // of all requests under way together
  std::size_t connections = 20'000;
  double owner_requests_per_second = 50, owner_burst = 200;  // of those who come with an owner token; 0: no limit
  service_timeouts timeouts;
};

// Executor: the store's; all members. Lifetime: store, manager, metrics and log outlive it; await close() before destroying.
class server {
 public:
  server(store& records, manager& keeping, service_options options, metrics& figures, log& journal);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Binds every place and begins to serve. bad_argument (an address that is no loopback, and no keys), resolve_failed,
  // connect_failed (in use, not ours): nothing listens then.
  task<void> listen();
  [[nodiscard]] std::vector<asio::ip::tcp::endpoint> endpoints() const;
  // From now on. Connections that are open stay so, as the token is checked with each request; event streams of tokens that
  // are none any more end.
  void set_keys(access_keys keys);
  [[nodiscard]] std::size_t connections() const noexcept;
  // Two phases: nobody new is let in, idle connections and event streams end, requests under way are answered; after
  // timeouts.shutdown what is left is cut. Not cancellable.
  asio::awaitable<void> close();

 private:
  struct inside;
  std::unique_ptr<inside> inside_;
};

}  // namespace mcpstate::service
