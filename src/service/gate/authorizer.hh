// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <mcpstate/core/owner.hpp>

#include "service/gate/access_keys.hh"
#include "service/gate/host_policy.hh"
#include "service/gate/rate_limit.hh"
#include "service/gate/router.hh"
#include "service/http/problem.hh"

// Decides about a request as soon as its head has arrived: which operation it asks for, whether its sender may use it, and
// how large its body may be. Pure; the times are passed in.
namespace mcpstate::service {

// A request that is allowed.
struct authorized_request {
  authorized_request() {}
  const route_spec* route = nullptr;
  identity sender;
  std::optional<mcpstate::owner> owner;  // of paths that name an owner
  std::optional<server_name> server;     // {server} and {name}
  std::string tool;
  std::string path;  // decoded; names a file of the dashboard
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string cors_origin;  // the page of this origin may read the response; empty: the request named none that is listed
  std::size_t body_limit = 0;

  // The value of a query parameter; null when it is absent.
  [[nodiscard]] const std::string* parameter(std::string_view name) const noexcept;
};

// A request that is refused, and why.
struct rejection {
  explicit rejection(problem refusal) : reason(std::move(refusal)) {}
  problem reason;
  std::string cors_origin;
  std::string_view pattern = "none";  // for metrics: the pattern of the route
  std::string allowed_methods;        // for the Allow field
  std::optional<std::chrono::milliseconds> retry_after;
};

// An OPTIONS request. Its head alone determines the response.
struct options_request {
  options_request() {}
  std::string cors_origin, allowed_methods;
  bool preflight = false;
};

using decision = std::variant<authorized_request, rejection, options_request>;

struct body_limits {
  body_limits() {}
  std::size_t default_bytes = 1024 * 1024;
  std::size_t state_bytes = 17 * 1024 * 1024;  // PUT …/state carries a tool list
};

// How often one owner may ask with an owner token.
struct owner_limits {
  owner_limits(rate_limit& all, rate_limit& attempts) : requests(all), connects(attempts) {}
  rate_limit& requests;
  rate_limit& connects;  // requests that make the process reach out to a server
};

// The host policy and the rate limits outlive it.
class authorizer {
 public:
  authorizer(const host_policy& hosts, owner_limits rates, body_limits limits)
      : hosts_(hosts), rates_(rates), limits_(limits) {}

  // keys: without any, every sender counts as a bearer of a service token.
  [[nodiscard]] decision authorize(const http_request& request, const access_keys& keys, timestamp now,
                                   std::chrono::steady_clock::time_point received_at) const;

 private:
  const host_policy& hosts_;
  owner_limits rates_;
  body_limits limits_;
};

}  // namespace mcpstate::service
