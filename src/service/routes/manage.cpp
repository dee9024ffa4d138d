// SPDX-License-Identifier: MIT
// What the manager does: connecting, trying again, calling tools.
#include "service/http/body_reader.hh"
#include "service/http/etag.hh"
#include "service/routes/api.hh"

#include "core/duration.hh"
#include "core/text/quoted.hh"

namespace mcpstate::service {

namespace {

constexpr std::chrono::milliseconds longest_wait = std::chrono::seconds(120);
constexpr std::chrono::milliseconds longest_call = std::chrono::minutes(10);

// A parameter that is a time; absent when it was not said.
result<std::optional<std::chrono::milliseconds>> time_of(const asking& to, const char* name,
                                                         std::chrono::milliseconds most) {
  const auto* text = to.of.query(name);
  if (text == nullptr) return std::optional<std::chrono::milliseconds>();
  const auto time = parse_duration(*text, name);
  if (!time) return time.error();
  if (*time > most)
    return error(errc::bad_argument,
                 std::string(name) + " is at most " + std::to_string(most / std::chrono::seconds(1)) + "s");
  return std::optional<std::chrono::milliseconds>(*time);
}

// Where PUT leads: {} is the server that is registered under the connection's own name.
result<place> place_of(const asking& to) {
  const auto body = body_reader::parse(to.request.body, {"server", "url"});
  if (!body) return body.error();
  auto server = body->text("server");
  if (!server) return server.error();
  auto url = body->text("url");
  if (!url) return url.error();
  if (*server && *url) return error(errc::bad_argument, "say server or url, not both");
  if (*url) return by_url(std::move(**url));
  if (!*server) return by_registration(to.server().text());
  const auto name = server_name::parse(**server);
  if (!name) return error(errc::bad_argument, "server: " + name.error().detail());
  return by_registration(name->text());
}

bool is_registered(const api& by, const std::string& name) {
  const auto& known = by.keeping.options().servers;
  return known && known->find(name) != nullptr;
}

http_response record_answer(const connection& c) {
  http_response out;
  out.status = c.state == status::connecting ? 202 : 200;
  out.body = to_json(c);
  out.etag = tag_of(c, digest_of(out.body));
  return out;
}

http_response refused_order(const asking& to, const error& why) {
  const bool conditional = is_conditional(to.request) && why.is(cond::conflict);
  if (conditional) return to.fail(problem_kind::precondition_failed, "the connection has just changed");
  return to.fail(why);
}

// The record as it is, when the outcome has not come in time.
reply tell_present(api& by, asking& to, connection ordered) {
  auto reading = by.records.get(to.whose(), to.server(), tools_wanted::no);
  const auto now = co_await measured(by, "get", std::move(reading));
  co_return record_answer(now && *now ? **now : ordered);
}

reply wait_for_outcome(api& by, asking& to, connection ordered, std::chrono::milliseconds wait) {
  auto settling = by.keeping.settled(to.whose(), to.server(), ordered.revision);
  std::string what = "waiting for the outcome";
  const auto settled = co_await aio::with_deadline(std::move(settling), aio::after(wait), std::move(what));
  if (settled) co_return record_answer(*settled);
  const auto& why = settled.error();
  if (why.is(cond::timeout) || why.is(cond::cancelled)) co_return co_await tell_present(by, to, std::move(ordered));
  co_return to.fail(why);
}

}  // namespace

reply put_connection(api& by, asking& to) {
  const auto wait = time_of(to, "wait", longest_wait);
  if (!wait) co_return to.fail(problem_kind::bad_parameter, wait.error().detail());
  auto where = place_of(to);
  if (!where) co_return to.fail(problem_kind::invalid_body, where.error().detail());
  if (where->url.empty() && !is_registered(by, where->registered))
    co_return to.fail(problem_kind::unknown_server, "no server is registered as " + mcpstate::quoted(where->registered));
  auto asking_for_room = check_room(by, to);
  const auto no_room = co_await std::move(asking_for_room);
  if (no_room) co_return to.fail(*no_room);
  std::optional<basis> seen;
  if (is_conditional(to.request)) {
    auto reading = by.records.get(to.whose(), to.server(), tools_wanted::no);
    const auto before = co_await measured(by, "get", std::move(reading));
    if (!before) co_return to.fail(before.error());
    if (const auto wrong = check_match(to.request, *before)) co_return to.fail(*wrong);
    seen = *before ? (*before)->seen : basis();
  }
  auto ordering = by.keeping.connect(to.whose(), to.server(), std::move(*where), std::move(seen));
  auto ordered = co_await std::move(ordering);
  if (!ordered) co_return refused_order(to, ordered.error());
  if (!*wait || ordered->state != status::connecting) co_return record_answer(*ordered);
  co_return co_await wait_for_outcome(by, to, std::move(*ordered), **wait);
}

reply retry_connection(api& by, asking& to) {
  auto work = by.keeping.retry(to.whose(), to.server());
  const auto record = co_await std::move(work);
  if (!record) co_return to.fail(record.error());
  auto out = record_answer(*record);
  out.status = 202;
  co_return out;
}

reply call_tool(api& by, asking& to) {
  const auto timeout = time_of(to, "timeout", longest_call);
  if (!timeout) co_return to.fail(problem_kind::bad_parameter, timeout.error().detail());
  std::string arguments = to.request.body.empty() ? "{}" : to.request.body;
  if (const auto fault = mcp::validate_json(arguments))
    co_return to.fail(problem_kind::invalid_body, "the body is not valid JSON: " + *fault);
  if (mcp::json_walk(arguments).kind() != mcp::json_kind::object)
    co_return to.fail(problem_kind::invalid_body, "the body is not a JSON object: the tool's arguments");
  mcp::call_options options;
  if (*timeout) options.timeout = **timeout;
  options.at_most = *timeout ? **timeout : longest_call;
  auto work = by.keeping.call(to.whose(), to.server(), to.of.tool, std::move(arguments), std::move(options));
  auto called = co_await std::move(work);
  if (!called) co_return answer(problem_of_call(called.error()), to.request_id);
  http_response out;
  out.body = std::move(called->body);
  co_return out;
}

reply disconnect_server(api& by, asking& to) {
  auto work = by.keeping.disconnect_everywhere(to.server().text(), progress_handler());
  const auto n = co_await std::move(work);
  if (!n) co_return to.fail(n.error());
  co_return count("disconnected", *n);
}

}  // namespace mcpstate::service
