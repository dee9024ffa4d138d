// SPDX-License-Identifier: MIT
#include "service/routes/manage.hh"

#include "core/duration.hh"
#include "core/text/quoted.hh"
#include "service/http/body_reader.hh"
#include "service/routes/preconditions.hh"
#include "service/routes/responses.hh"

namespace mcpstate::service {

namespace {

constexpr std::chrono::milliseconds max_wait = std::chrono::seconds(120);
constexpr std::chrono::milliseconds max_call = std::chrono::minutes(10);

// Reads a query parameter that is a duration. Absent when the parameter is absent.
result<std::optional<std::chrono::milliseconds>> read_duration(const request_context& context, const char* name,
                                                               std::chrono::milliseconds max) {
  const auto* text = context.authorized.parameter(name);
  if (text == nullptr) return std::optional<std::chrono::milliseconds>();
  MCPSTATE_TRY(time, parse_duration(*text, name));
  if (time > max)
    return error(errc::bad_argument,
                 std::string(name) + " is at most " + std::to_string(max / std::chrono::seconds(1)) + "s");
  return std::optional<std::chrono::milliseconds>(time);
}

// Longer ones are refused by servers and proxies on the way.
constexpr std::size_t max_url_bytes = 4096;

// The rest of what a URL can be wrong with is found by manager::connect().
result<endpoint> read_url(std::string url) {
  if (url.empty()) return error(errc::bad_url, "the URL is empty");
  if (url.size() > max_url_bytes)
    return error(errc::bad_url, "the URL is too long: at most " + std::to_string(max_url_bytes) + " bytes");
  return by_url(std::move(url));
}

// Where PUT connects to. Without members it is the server that is registered under the name of the connection.
result<endpoint> read_endpoint(const request_context& context) {
  const auto body = body_reader::parse(context.request.body, {"server", "url"});
  if (!body) return body.error();
  MCPSTATE_TRY(server, body->text("server"));
  MCPSTATE_TRY(url, body->text("url"));
  if (server && url) return error(errc::bad_argument, "say server or url, not both");
  if (url) return read_url(std::move(*url));
  if (!server) return by_registration(context.server().text());
  const auto name = server_name::parse(*server);
  if (!name) return error(errc::bad_argument, "server: " + name.error().detail());
  return by_registration(name->text());
}

bool is_registered(const process_services& process, const std::string& name) {
  const auto known = process.servers();
  return known && known->find(name) != nullptr;
}

// The record: 202 while it is CONNECTING, 200 once there is an outcome.
http_response outcome_response(const connection& record) {
  auto out = record_response(record);
  if (record.state == status::connecting) out.status = 202;
  return out;
}

http_response connect_failure(const request_context& context, const error& cause) {
  const bool mismatch = is_conditional(context.request) && cause.is(cond::conflict);
  if (mismatch) return context.failure(problem_kind::precondition_failed, "the connection has just changed");
  return context.failure(cause);
}

// The record as it is now, when there is no outcome in time.
response_task present_record(request_context& context, connection ordered) {
  auto reading = context.shard.store.get(context.owner(), context.server(), tools_wanted::no);
  const auto present = co_await measured(context, "get", std::move(reading));
  co_return outcome_response(present && *present ? **present : ordered);
}

response_task wait_for_outcome(request_context& context, connection ordered, std::chrono::milliseconds wait) {
  auto settling = context.shard.manager.settled(context.owner(), context.server(), ordered.revision);
  std::string detail = "waiting for the outcome";
  const auto settled = co_await aio::with_deadline(std::move(settling), aio::after(wait), std::move(detail));
  if (settled) co_return outcome_response(*settled);
  const auto& cause = settled.error();
  if (cause.is(cond::timeout) || cause.is(cond::cancelled)) co_return co_await present_record(context, std::move(ordered));
  co_return context.failure(cause);
}

}  // namespace

response_task put_connection(request_context& context) {
  const auto wait = read_duration(context, "wait", max_wait);
  if (!wait) co_return context.failure(problem_kind::bad_parameter, wait.error().detail());
  auto target = read_endpoint(context);
  if (!target && target.error().code() == errc::bad_url) co_return context.failure(target.error());
  if (!target) co_return context.failure(problem_kind::invalid_body, target.error().detail());
  if (target->url.empty() && !is_registered(context.process, target->registered))
    co_return context.failure(problem_kind::unknown_server,
                              "no server is registered as " + mcpstate::quoted(target->registered));
  std::optional<basis> expected;
  if (is_conditional(context.request)) {
    auto reading = context.shard.store.get(context.owner(), context.server(), tools_wanted::no);
    const auto before = co_await measured(context, "get", std::move(reading));
    if (!before) co_return context.failure(before.error());
    if (const auto mismatch = check_match(context.request, *before)) co_return context.failure(*mismatch);
    expected = *before ? (*before)->seen : basis();
  }
  auto ordering = context.shard.manager.connect(context.owner(), context.server(), std::move(*target), std::move(expected),
                                                connection_limit(context));
  auto ordered = co_await std::move(ordering);
  if (!ordered) co_return connect_failure(context, ordered.error());
  if (!*wait || ordered->state != status::connecting) co_return outcome_response(*ordered);
  co_return co_await wait_for_outcome(context, std::move(*ordered), **wait);
}

response_task retry_connection(request_context& context) {
  auto work = context.shard.manager.retry(context.owner(), context.server());
  const auto record = co_await std::move(work);
  if (!record) co_return context.failure(record.error());
  auto out = outcome_response(*record);
  out.status = 202;
  co_return out;
}

response_task call_tool(request_context& context) {
  // A tool is not called when its result could not be told.
  if (!context.process.answers.has_room(context.owner().text()))
    co_return context.failure(no_room(context.process.answers, 0));
  const auto timeout = read_duration(context, "timeout", max_call);
  if (!timeout) co_return context.failure(problem_kind::bad_parameter, timeout.error().detail());
  std::string arguments = context.request.body.empty() ? "{}" : context.request.body;
  if (const auto fault = mcp::validate_json(arguments))
    co_return context.failure(problem_kind::invalid_body, "the body is not valid JSON: " + *fault);
  if (mcp::json_walk(arguments).kind() != mcp::json_kind::object)
    co_return context.failure(problem_kind::invalid_body, "the body is not a JSON object: the tool's arguments");
  mcp::call_options options;
  if (*timeout) options.timeout = **timeout;
  options.at_most = *timeout ? **timeout : max_call;
  auto work = context.shard.manager.call(context.owner(), context.server(), context.authorized.tool, std::move(arguments),
                                         std::move(options));
  auto called = co_await std::move(work);
  if (!called) co_return problem_response(problem_of_call(called.error()), context.request_id);
  http_response out;
  out.body = std::move(called->body);
  out.unless_room =
      "the tool was called, and there is no room for its result: too many large answers are under way that their "
      "clients have not read";
  co_return out;
}

response_task disconnect_server(request_context& context) {
  auto work = context.shard.manager.disconnect_everywhere(context.server().text(), progress_handler());
  const auto n = co_await std::move(work);
  if (!n) co_return context.failure(n.error());
  co_return count_response("disconnected", *n);
}

}  // namespace mcpstate::service
