// SPDX-License-Identifier: MIT
#include "service/gate/router.hh"

#include <array>

namespace mcpstate::service {

namespace {

using enum http_method;
using op = operation_id;
constexpr auto owner = access_rule::owner_token;
constexpr auto service_only = access_rule::service_token;
constexpr auto open = access_rule::open;

constexpr std::array<route_spec, operation_count> table{{
    {op::list_connections, get, "/v1/{kind}/{id}/connections", owner, "tools"},
    {op::get_connection, get, "/v1/{kind}/{id}/connections/{server}", owner, "tools"},
    {op::get_tools, get, "/v1/{kind}/{id}/connections/{server}/tools", owner, ""},
    {op::put_connection, put, "/v1/{kind}/{id}/connections/{server}", owner, "wait", true, true},
    {op::delete_connection, del, "/v1/{kind}/{id}/connections/{server}", owner, ""},
    {op::disconnect_all, del, "/v1/{kind}/{id}/connections", owner, ""},
    {op::put_state, put, "/v1/{kind}/{id}/connections/{server}/state", owner, "", true},
    {op::touch_one, post, "/v1/{kind}/{id}/connections/{server}/touch", owner, ""},
    {op::touch_all, post, "/v1/{kind}/{id}/touch", owner, ""},
    {op::retry, post, "/v1/{kind}/{id}/connections/{server}/retry", owner, ""},
    {op::call_tool, post, "/v1/{kind}/{id}/connections/{server}/tools/{tool}/call", owner, "timeout", true, true},
    {op::events, get, "/v1/{kind}/{id}/events", owner, ""},
    {op::erase_owner, del, "/v1/{kind}/{id}", owner, ""},
    {op::claim, post, "/v1/sessions/{id}/claim", service_only, "", true},
    {op::list_owners, get, "/v1/owners", service_only, "cursor limit"},
    {op::list_servers, get, "/v1/servers", service_only, ""},
    {op::disconnect_server, post, "/v1/servers/{name}/disconnect", service_only, "", false, true},
    {op::list_instances, get, "/v1/instances", service_only, ""},
    {op::make_token, post, "/v1/tokens", service_only, "", true},
    {op::stats, get, "/v1/stats", service_only, ""},
    {op::metrics, get, "/metrics", service_only, ""},
    {op::healthz, get, "/healthz", open, ""},
    {op::readyz, get, "/readyz", open, ""},
    {op::openapi, get, "/openapi.json", open, ""},
    {op::dashboard, get, "/", open, ""},
}};

bool segment_matches(std::string_view part, const std::string& segment) noexcept {
  if (part == "{kind}") return segment == "users" || segment == "sessions";
  return part.front() == '{' || part == segment;
}

bool path_matches(std::string_view pattern, const std::vector<std::string>& segments) noexcept {
  pattern.remove_prefix(1);
  for (const auto& segment : segments) {
    if (pattern.empty()) return false;
    const auto slash = pattern.find('/');
    if (!segment_matches(pattern.substr(0, slash), segment)) return false;
    pattern.remove_prefix(slash == std::string_view::npos ? pattern.size() : slash + 1);
  }
  return pattern.empty();
}

void append_word(std::string& list, std::string_view word) {
  if (!list.empty()) list += ", ";
  list += word;
}

}  // namespace

std::span<const route_spec> routes() noexcept { return table; }

route_lookup find_route(http_method method, const std::vector<std::string>& segments) {
  const auto wanted = method == head ? get : method;
  route_lookup out;
  for (const auto& route : table) {
    if (!path_matches(route.pattern, segments)) continue;
    if (route.method == wanted) {
      out.route = &route;
      out.allowed_methods.clear();
      return out;
    }
    append_word(out.allowed_methods, name_of(route.method));
    if (route.method == get) append_word(out.allowed_methods, name_of(head));
  }
  if (!out.allowed_methods.empty()) append_word(out.allowed_methods, name_of(options));
  return out;
}

bool takes_parameter(const route_spec& route, std::string_view name) noexcept {
  auto rest = route.parameters;
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    if (rest.substr(0, space) == name) return true;
    rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  }
  return false;
}

}  // namespace mcpstate::service
