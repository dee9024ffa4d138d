// SPDX-License-Identifier: MIT
#include "service/gate/router.hh"

#include <array>

namespace mcpstate::service {

namespace {

using enum http_method;
using op = operation;
constexpr auto own = access_rule::owners_own;
constexpr auto srv = access_rule::service;
constexpr auto any = access_rule::anybody;

constexpr std::array<route, operation_count> table{{
    {op::list_connections, get, "/v1/{kind}/{id}/connections", own, "tools"},
    {op::get_connection, get, "/v1/{kind}/{id}/connections/{server}", own, "tools"},
    {op::get_tools, get, "/v1/{kind}/{id}/connections/{server}/tools", own, ""},
    {op::put_connection, put, "/v1/{kind}/{id}/connections/{server}", own, "wait", true, true},
    {op::delete_connection, del, "/v1/{kind}/{id}/connections/{server}", own, ""},
    {op::disconnect_all, del, "/v1/{kind}/{id}/connections", own, ""},
    {op::put_state, put, "/v1/{kind}/{id}/connections/{server}/state", own, "", true},
    {op::touch_one, post, "/v1/{kind}/{id}/connections/{server}/touch", own, ""},
    {op::touch_all, post, "/v1/{kind}/{id}/touch", own, ""},
    {op::retry, post, "/v1/{kind}/{id}/connections/{server}/retry", own, ""},
    {op::call_tool, post, "/v1/{kind}/{id}/connections/{server}/tools/{tool}/call", own, "timeout", true, true},
    {op::events, get, "/v1/{kind}/{id}/events", own, ""},
    {op::erase_owner, del, "/v1/{kind}/{id}", own, ""},
    {op::claim, post, "/v1/sessions/{id}/claim", srv, "", true},
    {op::list_owners, get, "/v1/owners", srv, "cursor limit"},
    {op::list_servers, get, "/v1/servers", srv, ""},
    {op::disconnect_server, post, "/v1/servers/{name}/disconnect", srv, "", false, true},
    {op::list_instances, get, "/v1/instances", srv, ""},
    {op::make_token, post, "/v1/tokens", srv, "", true},
    {op::stats, get, "/v1/stats", srv, ""},
    {op::metrics, get, "/metrics", srv, ""},
    {op::healthz, get, "/healthz", any, ""},
    {op::readyz, get, "/readyz", any, ""},
    {op::openapi, get, "/openapi.json", any, ""},
    {op::dashboard, get, "/", any, ""},
}};

bool fits(std::string_view part, const std::string& segment) noexcept {
  if (part == "{kind}") return segment == "users" || segment == "sessions";
  return part.front() == '{' || part == segment;
}

bool fits(std::string_view pattern, const std::vector<std::string>& segments) noexcept {
  pattern.remove_prefix(1);
  for (const auto& segment : segments) {
    if (pattern.empty()) return false;
    const auto slash = pattern.find('/');
    if (!fits(pattern.substr(0, slash), segment)) return false;
    pattern.remove_prefix(slash == std::string_view::npos ? pattern.size() : slash + 1);
  }
  return pattern.empty();
}

void add(std::string& list, std::string_view word) {
  if (!list.empty()) list += ", ";
  list += word;
}

}  // namespace

std::span<const route> routes() noexcept { return table; }

routed find_route(http_method method, const std::vector<std::string>& segments) {
  const auto wanted = method == head ? get : method;
  for (const auto& r : table) {
    if (r.method != wanted || !fits(r.pattern, segments)) continue;
    routed out;
    out.where = &r;
    return out;
  }
  routed out;
  for (const auto& r : table) {
    if (!fits(r.pattern, segments)) continue;
    add(out.allowed, name_of(r.method));
    if (r.method == get) add(out.allowed, name_of(head));
  }
  if (!out.allowed.empty()) add(out.allowed, name_of(options));
  return out;
}

bool takes_query(const route& where, std::string_view name) noexcept {
  auto rest = where.queries;
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    if (rest.substr(0, space) == name) return true;
    rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  }
  return false;
}

}  // namespace mcpstate::service
