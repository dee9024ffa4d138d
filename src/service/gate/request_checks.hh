// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/http/message.hh"
#include "service/http/problem.hh"

// What is decided about a request before anything is done for it, besides its token. Pure.
namespace mcpstate::service {

// Which hosts and which pages may use the service. A page of another origin, or one whose name was made to lead here (DNS
// rebinding), is refused: on a loopback address there may be no token that stops it.
class admission {
 public:
  admission() {}
  // One that is listened on: "127.0.0.1", "::1", "0.0.0.0", …
  void add_bound(std::string_view address);
  void add_host(std::string_view name);      // --allow-host; without a port
  void add_origin(std::string_view origin);  // --allow-origin; scheme://host[:port]

  // host: as the Host field has it, or the target's. Its port does not matter.
  [[nodiscard]] bool allows_host(std::string_view host) const;
  enum class origin_kind { same, listed, foreign };
  [[nodiscard]] origin_kind kind_of_origin(std::string_view origin, std::string_view host) const;

 private:
  std::vector<std::string> hosts_, origins_;
  bool any_address_ = false;
};

// "localhost" of "LocalHost:7337", "::1" of "[::1]:80"; absent if it is no host with an optional port.
[[nodiscard]] std::optional<std::string> host_without_port(std::string_view host);
// Whether it is an IPv4 or IPv6 address of this machine's own.
[[nodiscard]] bool is_loopback(std::string_view host) noexcept;

// application/json, perhaps with a charset of UTF-8.
[[nodiscard]] bool is_json(std::string_view content_type);

// The token of "Bearer …"; absent for another scheme.
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept;

// A request id that came: visible ASCII, at most 128 bytes; absent if it is anything else.
[[nodiscard]] bool is_request_id(std::string_view text) noexcept;

}  // namespace mcpstate::service
