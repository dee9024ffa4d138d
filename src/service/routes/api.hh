// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <string>

#include <mcpstate/manager.hpp>
#include <mcpstate/store.hpp>

#include "service/events/owner_feed.hh"
#include "service/gate/access.hh"
#include "service/gate/gate.hh"
#include "service/http/message.hh"
#include "service/http/problem.hh"
#include "service/operations/metrics.hh"
#include "service/operations/stats_reading.hh"
#include "service/routes/known_lists.hh"
#include "service/routes/record_body.hh"

// What each operation does: from a request that was let in to its answer. Handlers know no sockets.
namespace mcpstate::service {

// How many event streams one owner may have open with owner tokens: a browser has a tab or ten.
inline constexpr std::size_t streams_per_owner = 100;
// How many connections an owner may have, where the one who makes another has an owner token: each may be a process.
inline constexpr std::size_t connections_per_owner = 100;

// What handlers work with. It outlives them, and the streams that they open.
struct api {
  api(store& s, manager& m, metrics& f, feeds& e, const access_keys& k)
      : records(s), keeping(m), figures(f), events(e), keys(k), counts(s, f) {}
  store& records;
  manager& keeping;
  metrics& figures;
  feeds& events;
  const access_keys& keys;
  stats_reading counts;
  known_lists lists;
  std::map<owner, std::size_t> streams;  // of those who came with an owner token: how many are open
};

// One request; lives until its answer is there.
struct asking {
  asking(admitted what, http_request from, std::string id)
      : of(std::move(what)), request(std::move(from)), request_id(std::move(id)) {}
  admitted of;
  http_request request;
  std::string request_id;

  // Of the paths that name them: the gate has seen to that.
  [[nodiscard]] const owner& whose() const { return *of.whose; }
  [[nodiscard]] const server_name& server() const { return *of.server; }
  [[nodiscard]] http_response fail(const problem& what) const { return answer(what, request_id); }
  [[nodiscard]] http_response fail(const error& e) const { return answer(problem_of(e), request_id); }
  [[nodiscard]] http_response fail(problem_kind kind, std::string detail) const {
    return answer(problem(kind, std::move(detail)), request_id);
  }
};

using reply = asio::awaitable<http_response>;
// Cancellation: of what waits (PUT with ?wait=, a call); it then answers what is known. `to` and `by` outlive the call.
reply handle(api& by, asking& to);

// The handlers, by file: routes_read, routes_write, routes_manage, routes_operate.
reply list_connections(api& by, asking& to);
reply get_connection(api& by, asking& to);
reply get_tools(api& by, asking& to);
reply open_events(api& by, asking& to);
reply put_state(api& by, asking& to);
reply delete_connection(api& by, asking& to);
reply disconnect_all(api& by, asking& to);
reply touch(api& by, asking& to);
reply erase_owner(api& by, asking& to);
reply claim_session(api& by, asking& to);
reply put_connection(api& by, asking& to);
reply retry_connection(api& by, asking& to);
reply call_tool(api& by, asking& to);
reply list_owners(api& by, asking& to);
reply list_servers(api& by, asking& to);
reply disconnect_server(api& by, asking& to);
reply list_instances(api& by, asking& to);
reply make_token(api& by, asking& to);
reply tell_stats(api& by, asking& to);
reply tell_metrics(api& by, asking& to);
reply tell_health(api& by, asking& to);
reply tell_readiness(api& by, asking& to);
reply tell_openapi(api& by, asking& to);
reply show_dashboard(api& by, asking& to);

// --- shared by handlers ---

// 200, or 304 if the client has it.
[[nodiscard]] http_response tagged(const asking& to, std::string body, std::string tag);
[[nodiscard]] http_response tagged(const asking& to, record_body body, std::string tag);
// {"name":n}
[[nodiscard]] http_response count(std::string_view name, std::uint64_t n);
[[nodiscard]] problem no_such(const asking& to);
// Whether this owner may have one more, with the token that was sent; absent: go on. For a server that is not there yet.
asio::awaitable<std::optional<problem>> check_room(api& by, asking& to);
// What If-Match and If-None-Match of a write say about what was read; absent: go on.
[[nodiscard]] std::optional<problem> check_match(const http_request& asked, const std::optional<connection>& found);
[[nodiscard]] inline bool is_conditional(const http_request& asked) noexcept {
  return asked.if_match.has_value() || asked.if_none_match.has_value();
}

// An operation of the store, measured.
template <class T>
task<T> measured(api& by, const char* name, task<T> work) {
  const auto from = std::chrono::steady_clock::now();
  auto out = co_await std::move(work);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - from);
  by.figures.store_done(name, out ? std::optional<cond>() : out.error().condition(), took);
  co_return out;
}

}  // namespace mcpstate::service
