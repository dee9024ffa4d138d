// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service/http/message.hh"

// Finds the operation that a method and a path name. There is one table of routes; a test compares it with the OpenAPI
// document. Pure.
namespace mcpstate::service {

enum class operation_id : std::uint8_t {
  list_connections,
  disconnect_all,
  get_connection,
  put_connection,
  delete_connection,
  get_tools,
  put_state,
  touch_one,
  touch_all,
  retry,
  call_tool,
  events,
  erase_owner,
  claim,
  list_owners,
  list_servers,
  disconnect_server,
  list_instances,
  make_token,
  stats,
  metrics,
  healthz,
  readyz,
  openapi,
  dashboard,
};
inline constexpr std::size_t operation_count = static_cast<std::size_t>(operation_id::dashboard) + 1;

// The token that a route needs.
enum class access_rule : std::uint8_t {
  open,           // none
  owner_token,    // a token of the owner that the path names, or a service token
  service_token,  // a service token
};

struct route_spec {
  operation_id operation;
  http_method method;
  // {kind} is "users" or "sessions". {id}, {server}, {tool} and {name} stand for one segment each.
  std::string_view pattern;
  access_rule access;
  std::string_view parameters;  // names of the query parameters, separated by spaces
  bool takes_body = false;
  bool waits = false;  // may take long: the request is cancelled when its client disconnects
};
[[nodiscard]] std::span<const route_spec> routes() noexcept;

struct route_lookup {
  route_lookup() {}
  const route_spec* route = nullptr;  // null: the path is unknown, or does not take this method
  std::string allowed_methods;        // of a path without this method, for the Allow field; empty: the path is unknown
};
// HEAD finds the route of GET.
[[nodiscard]] route_lookup find_route(http_method method, const std::vector<std::string>& segments);

// Whether a write obeys If-Match and If-None-Match.
[[nodiscard]] constexpr bool obeys_preconditions(operation_id operation) noexcept {
  return operation == operation_id::put_connection || operation == operation_id::delete_connection ||
         operation == operation_id::put_state;
}

// Whether an operation makes the process reach out to an MCP server, as if anew.
[[nodiscard]] constexpr bool reaches_out(operation_id operation) noexcept {
  return operation == operation_id::put_connection || operation == operation_id::retry;
}

// Whether a route has a query parameter of this name.
[[nodiscard]] bool takes_parameter(const route_spec& route, std::string_view name) noexcept;

}  // namespace mcpstate::service
