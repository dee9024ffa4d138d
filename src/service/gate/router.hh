// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service/http/message.hh"

// Which operation a method and a path name. One table; the OpenAPI document is compared with it. Pure.
namespace mcpstate::service {

enum class operation : std::uint8_t {
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
inline constexpr std::size_t operation_count = static_cast<std::size_t>(operation::dashboard) + 1;

// Who may ask.
enum class access_rule : std::uint8_t {
  anybody,     // no token needed
  owners_own,  // a service token, or the token of the owner that the path names
  service,     // a service token
};

struct route {
  operation what;
  http_method method;
  // {kind} is "users" or "sessions"; {id}, {server}, {tool} and {name} stand for one segment.
  std::string_view pattern;
  access_rule access;
  std::string_view queries;  // names of the parameters it takes, with spaces between
  bool takes_body = false;
  bool waits = false;  // may take long: the client's going away is watched meanwhile
};
[[nodiscard]] std::span<const route> routes() noexcept;

struct routed {
  routed() {}
  const route* where = nullptr;  // null: no such path, or not with this method
  std::string allowed;           // for Allow: the methods of the path; empty: no such path
};
// HEAD is GET.
[[nodiscard]] routed find_route(http_method method, const std::vector<std::string>& segments);

// Whether a write of this kind looks at If-Match and If-None-Match.
[[nodiscard]] constexpr bool compares(operation what) noexcept {
  return what == operation::put_connection || what == operation::delete_connection || what == operation::put_state;
}

// Whether a route takes a parameter of this name.
[[nodiscard]] bool takes_query(const route& where, std::string_view name) noexcept;

}  // namespace mcpstate::service
