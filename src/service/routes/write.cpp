// SPDX-License-Identifier: MIT
#include "service/routes/write.hh"

#include <utility>

#include <mcpstate/aio/offload.hpp>

#include "core/json/text.hh"
#include "service/http/bad_input.hh"
#include "service/http/body_reader.hh"
#include "service/routes/preconditions.hh"
#include "service/routes/responses.hh"

namespace mcpstate::service {

namespace {

constexpr std::size_t max_reason_bytes = 1000;
constexpr int max_attempts = 10;

// The body of PUT …/state.
struct state_report {
  state_report() {}
  status state = status::disconnected;
  std::optional<tools_list> tools;
  std::string reason;
  bool allow_empty = false;
};

std::optional<status> reportable(const std::string& text) {
  const auto state = status_from_text(text);
  const bool ok = state && (*state == status::connected || *state == status::disconnected || *state == status::failed);
  return ok ? state : std::nullopt;
}

bool is_one_line(std::string_view text) noexcept {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return true;
}

result<void> read_reason(state_report& out, const body_reader& body) {
  MCPSTATE_TRY(reason, body.text("reason"));
  if (!reason) return {};
  if (out.state != status::failed) return bad_input("a reason goes with FAILED only");
  if (reason->size() > max_reason_bytes || !is_one_line(*reason))
    return bad_input("the reason is one line of at most 1000 bytes");
  out.reason = std::move(*reason);
  return {};
}

// Whether a tool could not be called, because no path can have its name.
bool has_nul_name(std::string_view tool) {
  if (tool.find("\\u0000") == std::string_view::npos) return false;
  mcp::json_walk walk(tool);
  for (bool found = walk.enter(); found; found = walk.next()) {
    const auto name = mcp::text_of(walk.take_key());
    const auto value = walk.take();
    if (name != "name" || mcp::kind_of(value) != mcp::json_kind::string) continue;
    if (mcp::text_of(value).value_or(std::string()).find('\0') != std::string::npos) return true;
  }
  return false;
}

result<void> check_tools(std::string_view array) {
  mcp::json_walk walk(array);
  for (bool found = walk.enter(); found; found = walk.next()) {
    if (walk.kind() != mcp::json_kind::object) return bad_input("tools is an array of objects");
    if (has_nul_name(walk.take())) return bad_input("the name of a tool has a NUL in it");
  }
  return {};
}

// max_tools: of a list that a server gives; what a host reports is no longer.
result<void> read_tools(state_report& out, const body_reader& body, std::size_t max_tools) {
  const auto raw = body.raw("tools");
  if (!raw) return {};
  if (out.state == status::disconnected) return bad_input("a DISCONNECTED connection has no tools: leave them out");
  MCPSTATE_TRY(list, tools_list::parse(std::string(*raw)));
  if (list.count() > max_tools)
    return error(errc::too_large, "tools has more than " + std::to_string(max_tools) + " objects");
  MCPSTATE_CHECK(check_tools(list.bytes()));
  out.tools = std::move(list);
  return {};
}

result<state_report> read_report(std::string_view text, std::size_t max_tools) {
  const auto body = body_reader::parse(text, {"status", "tools", "reason", "allow_empty"});
  if (!body) return body.error();
  state_report out;
  MCPSTATE_TRY(word, body->text("status"));
  const auto state = word ? reportable(*word) : std::nullopt;
  if (!state) return bad_input("status is CONNECTED, DISCONNECTED or FAILED");
  out.state = *state;
  MCPSTATE_CHECK(read_reason(out, *body));
  MCPSTATE_CHECK(read_tools(out, *body, max_tools));
  MCPSTATE_TRY(empty, body->flag("allow_empty"));
  out.allow_empty = empty;
  return out;
}

// A large one is read on another thread: it would keep this one, and all other owners, for as long as a breath.
asio::awaitable<result<state_report>> read_report_anywhere(process_services& process, std::string text,
                                                           std::size_t max_tools) {
  if (text.size() <= quick_text_bytes) co_return read_report(text, max_tools);
  auto job = [text = std::move(text), max_tools] { return read_report(text, max_tools); };
  auto work = aio::offload(process.background, std::move(job));
  co_return co_await std::move(work);
}

// The change that records a report, on top of the record as it was read.
change change_of(const request_context& context, const state_report& report, const std::optional<connection>& before) {
  change out = before ? change(*before, report.state) : change(context.owner(), context.server(), report.state);
  if (!before) out.based_on(basis());
  details info = before ? before->info : details();
  info.managed = false;
  info.registered.clear();
  info.error.reset();
  out.set_details(std::move(info));
  if (report.tools) out.tools(*report.tools);
  if (report.allow_empty) out.allow_empty_tools();
  if (report.state != status::failed) return out;
  failure reported;
  reported.code = "reported";
  reported.message = report.reason.empty() ? "the host reported it without a reason" : report.reason;
  out.fail(std::move(reported));
  return out;
}

// One attempt to write a report. Absent: the record changed in between, so the caller tries again.
asio::awaitable<std::optional<http_response>> try_put_state(request_context& context, const state_report& report,
                                                            bool last_attempt) {
  auto reading = context.shard.store.get(context.owner(), context.server(), tools_wanted::no);
  const auto before = co_await measured(context, "get", std::move(reading));
  if (!before) co_return context.failure(before.error());
  if (const auto mismatch = check_match(context.request, *before)) co_return context.failure(*mismatch);
  if (*before && (*before)->info.managed && (*before)->state != status::disconnected)
    co_return context.failure(problem_kind::managed, "mcpstate manages this connection itself; disconnect it first");
  auto change = change_of(context, report, *before);
  change.limit_connections(connection_limit(context));
  auto writing = context.shard.store.put(std::move(change));
  const auto written = co_await measured(context, "put", std::move(writing));
  if (written) co_return record_response(*written);
  if (written.error().is(cond::conflict) && !last_attempt) co_return std::nullopt;
  co_return context.failure(written.error());
}

}  // namespace

response_task put_state(request_context& context) {
  auto reading = read_report_anywhere(context.process, std::move(context.request.body),
                                      context.shard.manager.options().client.max_tools);
  const auto report = co_await std::move(reading);
  if (!report) {
    const bool large = report.error().code() == errc::too_large;
    co_return context.failure(large ? problem_kind::too_large : problem_kind::invalid_body, report.error().detail());
  }
  for (int attempt = 1;; ++attempt) {
    auto writing = try_put_state(context, *report, attempt == max_attempts);
    auto response = co_await std::move(writing);
    if (response) co_return std::move(*response);
  }
}

response_task delete_connection(request_context& context) {
  std::optional<basis> expected;
  if (is_conditional(context.request)) {
    auto reading = context.shard.store.get(context.owner(), context.server(), tools_wanted::no);
    const auto before = co_await measured(context, "get", std::move(reading));
    if (!before) co_return context.failure(before.error());
    if (const auto mismatch = check_match(context.request, *before)) co_return context.failure(*mismatch);
    if (!*before) co_return context.failure(not_found(context));
    expected = (*before)->seen;
  }
  const bool conditional = expected.has_value();
  auto work = context.shard.store.disconnect(context.owner(), context.server(), std::move(expected));
  const auto n = co_await measured(context, "disconnect", std::move(work));
  if (n) co_return count_response("disconnected", *n);
  if (conditional && n.error().is(cond::conflict))
    co_return context.failure(problem_kind::precondition_failed, "the connection has just changed");
  co_return context.failure(n.error());
}

response_task disconnect_all(request_context& context) {
  std::optional<server_name> all_servers;
  std::optional<basis> unconditional;
  auto work = context.shard.store.disconnect(context.owner(), std::move(all_servers), std::move(unconditional));
  const auto n = co_await measured(context, "disconnect", std::move(work));
  if (!n) co_return context.failure(n.error());
  co_return count_response("disconnected", *n);
}

response_task touch(request_context& context) {
  const auto& server = context.authorized.server;
  auto work = context.shard.store.touch(context.owner(), server);
  const auto n = co_await measured(context, "touch", std::move(work));
  if (!n) co_return context.failure(n.error());
  if (*n == 0 && server) co_return context.failure(not_found(context));
  co_return count_response("touched", *n);
}

response_task erase_owner(request_context& context) {
  auto work = context.shard.store.erase(context.owner());
  const auto n = co_await measured(context, "erase", std::move(work));
  if (!n) co_return context.failure(n.error());
  co_return count_response("removed", *n);
}

response_task claim_session(request_context& context) {
  const auto body = body_reader::parse(context.request.body, {"user_id"});
  if (!body) co_return context.failure(problem_kind::invalid_body, body.error().detail());
  const auto id = body->text("user_id");
  if (!id) co_return context.failure(problem_kind::invalid_body, id.error().detail());
  if (!*id) co_return context.failure(problem_kind::invalid_body, "user_id is missing");
  const auto user = owner::user(**id);
  if (!user) co_return context.failure(problem_kind::invalid_body, "user_id: " + user.error().detail());
  auto work = context.shard.manager.claim(context.owner(), *user);
  const auto claimed = co_await measured(context, "claim", std::move(work));
  if (!claimed) co_return context.failure(claimed.error());
  http_response out;
  out.body = object_writer().raw("moved", json_array(claimed->moved)).raw("kept", json_array(claimed->kept)).str();
  co_return out;
}

}  // namespace mcpstate::service
