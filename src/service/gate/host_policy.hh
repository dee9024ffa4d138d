// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Decides which Host names and which web pages may use the service. Pure.
namespace mcpstate::service {

// Refuses pages of foreign origins, and requests under a foreign host name: a page can make its own name resolve to this
// machine (DNS rebinding), and a service on a loopback address may need no token.
class host_policy {
 public:
  host_policy() {}
  // An address that the service listens on: "127.0.0.1", "::1", "0.0.0.0", …
  void add_bound(std::string_view address);
  void add_host(std::string_view name);      // --allow-host; without a port
  void add_origin(std::string_view origin);  // --allow-origin; scheme://host[:port]

  // host: the Host field or the host of the target. Its port is ignored.
  [[nodiscard]] bool allows_host(std::string_view host) const;
  enum class origin_kind { same, listed, foreign };
  [[nodiscard]] origin_kind classify_origin(std::string_view origin, std::string_view host) const;

 private:
  std::vector<std::string> hosts_, origins_;
  bool any_address_ = false;
};

// "localhost" for "LocalHost:7337", "::1" for "[::1]:80". Absent for a text that is not a host with an optional port.
[[nodiscard]] std::optional<std::string> host_without_port(std::string_view host);
// Whether a host is "localhost" or a loopback address (IPv4 or IPv6).
[[nodiscard]] bool is_loopback(std::string_view host) noexcept;

}  // namespace mcpstate::service
