// SPDX-License-Identifier: MIT
#include "service/routes/api.hh"

#include <algorithm>
#include <array>

#include "core/json/text.hh"
#include "service/http/etag.hh"

namespace mcpstate::service {

namespace {

using handler = reply (*)(api&, asking&);

constexpr std::array<handler, operation_count> handlers = [] {
  std::array<handler, operation_count> out{};
  const auto set = [&out](operation what, handler by) { out[static_cast<std::size_t>(what)] = by; };
  set(operation::list_connections, list_connections);
  set(operation::disconnect_all, disconnect_all);
  set(operation::get_connection, get_connection);
  set(operation::put_connection, put_connection);
  set(operation::delete_connection, delete_connection);
  set(operation::get_tools, get_tools);
  set(operation::put_state, put_state);
  set(operation::touch_one, touch);
  set(operation::touch_all, touch);
  set(operation::retry, retry_connection);
  set(operation::call_tool, call_tool);
  set(operation::events, open_events);
  set(operation::erase_owner, erase_owner);
  set(operation::claim, claim_session);
  set(operation::list_owners, list_owners);
  set(operation::list_servers, list_servers);
  set(operation::disconnect_server, disconnect_server);
  set(operation::list_instances, list_instances);
  set(operation::make_token, make_token);
  set(operation::stats, tell_stats);
  set(operation::metrics, tell_metrics);
  set(operation::healthz, tell_health);
  set(operation::readyz, tell_readiness);
  set(operation::openapi, tell_openapi);
  set(operation::dashboard, show_dashboard);
  return out;
}();

}  // namespace

reply handle(api& by, asking& to) { return handlers[static_cast<std::size_t>(to.of.where->what)](by, to); }

http_response tagged(const asking& to, std::string body, std::string tag) {
  http_response out;
  out.etag = std::move(tag);
  if (to.request.if_none_match && none_match_hits(*to.request.if_none_match, out.etag)) {
    out.status = 304;
  } else {
    out.body = std::move(body);
  }
  return out;
}

http_response tagged(const asking& to, record_body body, std::string tag) {
  auto out = tagged(to, std::string(), std::move(tag));
  if (out.status == 200) body.move_to(out);
  return out;
}

http_response count(std::string_view name, std::uint64_t n) {
  http_response out;
  out.body = "{";
  json_members(out.body).number(name, n);
  out.body += "}";
  return out;
}

problem no_such(const asking& to) {
  return problem(problem_kind::not_found, to.whose().text() + " has no connection named '" + to.server().text() + "'");
}

asio::awaitable<std::optional<problem>> check_room(api& by, asking& to) {
  if (to.of.who.kind != token_kind::owner) co_return std::nullopt;
  auto reading = by.records.list(to.whose(), tools_wanted::no);
  const auto all = co_await measured(by, "list", std::move(reading));
  if (!all) co_return problem_of(all.error());
  const bool there = std::any_of(all->begin(), all->end(), [&](const auto& c) { return c.server == to.server().text(); });
  if (there || all->size() < connections_per_owner) co_return std::nullopt;
  co_return problem(problem_kind::invalid, "there are " + std::to_string(all->size()) +
                                               " connections, the most that one owner may make; those that are disconnected "
                                               "count until they expire or are cleared");
}

std::optional<problem> check_match(const http_request& asked, const std::optional<connection>& found) {
  const bool match = !asked.if_match || if_match_holds(*asked.if_match, found ? &*found : nullptr);
  const bool none =
      !asked.if_none_match || !found || !(*asked.if_none_match == "*" || if_match_holds(*asked.if_none_match, &*found));
  if (match && none) return std::nullopt;
  return problem(problem_kind::precondition_failed,
                 found ? "the connection is at revision " + std::to_string(found->revision) : "there is no such connection");
}

}  // namespace mcpstate::service
