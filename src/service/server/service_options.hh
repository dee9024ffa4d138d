// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// How the HTTP server is set up. Value types.
namespace mcpstate::service {

struct listen_address {
  listen_address() {}
  std::string host = "127.0.0.1";  // an address, or a name that is resolved when listening begins
  std::uint16_t port = 7337;       // 0: any free one
};

struct service_timeouts {
  service_timeouts() {}
  // For a head: from its first byte, or from the beginning of the connection.
  std::chrono::milliseconds head = std::chrono::seconds(10);
  std::chrono::milliseconds body = std::chrono::seconds(30);   // for a body, from the end of the head …
  std::chrono::milliseconds idle = std::chrono::seconds(75);   // between two requests
  std::chrono::milliseconds write = std::chrono::seconds(30);  // in which the client must take another byte of a response
  // More for each 64 KiB: of a body, and of a response as a whole. Who takes a byte now and then is slower than that.
  std::chrono::milliseconds per_64_kib = std::chrono::seconds(1);
  std::chrono::milliseconds heartbeat = std::chrono::seconds(15);        // after which a quiet event stream gets a comment
  std::chrono::milliseconds shutdown = std::chrono::milliseconds(1500);  // for requests under way when the server closes
};

struct service_options {
  service_options() {}
  std::vector<listen_address> listen;
  std::vector<std::string> allowed_hosts, allowed_origins;
  std::size_t head_bytes = 16 * 1024;               // of one request, at most
  std::size_t body_bytes = 1024 * 1024;             // of one request, at most
  std::size_t state_body_bytes = 17 * 1024 * 1024;  // the same for PUT …/state, which carries a tool list
  std::size_t connections = 20'000;                 // open at once
  // New connections of one address. A browser opens six at once, and an office behind one address has dozens of them; a flood
  // has thousands. 0: no limit.
  double connections_per_second = 50, connection_burst = 200;
  // Addresses and networks whose connections are not limited: this machine, where proxies and hosts run, and trusted proxies.
  std::vector<std::string> unlimited_peers{"127.0.0.0/8", "::1"};
  service_timeouts timeouts;
};

}  // namespace mcpstate::service
