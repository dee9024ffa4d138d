// SPDX-License-Identifier: MIT
// What users of a client ask for: tools, calls, and any other request, with the questions that servers ask meanwhile.
#include <algorithm>
#include <utility>

#include "aio/backoff.hh"
#include "core/json/slice.hh"
#include "mcp/protocol/tool_pages.hh"
#include "mcp/session/session.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr auto whole_list_limit = 60s;    // for all pages together, unless one request may take longer
constexpr int max_rounds = 10;            // of questions within one call
constexpr auto first_round_wait = 200ms;  // before asking again when the server only wants to be asked again
constexpr auto longest_round_wait = 5s;

// The error of a request, as its caller sees it.
error refusal(const std::string& method, message answer) {
  const std::string code = std::to_string(answer.error_code);
  if (answer.error_code == rpc::invalid_params && method == "tools/call") {
    return error(errc::bad_argument, "the server does not know the tool, or refuses the arguments (error " + code + ")",
                 std::move(answer.error_message));
  }
  if (answer.error_code == rpc::url_elicitation) {
    return error(errc::rpc_error, "the server wants the person to visit a page first (error " + code + ")",
                 answer.error_message + " " + answer.error_data);
  }
  return error(errc::rpc_error, "the server refused " + method + " with error " + code, std::move(answer.error_message));
}

bool is_object(std::string_view text) { return !validate_json(text) && kind_of(text) == json_kind::object; }

// What the connection's end means for a request that may have been carried out.
error unknown_outcome(const error& why, const std::string& method) {
  return error(errc::outcome_unknown, method + " may or may not have been carried out: " + why.detail(), why.peer_text());
}

bool is_loss(const error& why) noexcept { return why.code() == errc::connection_lost || why.code() == errc::child_exited; }

// params of the next round: as the caller gave them, and what the server wants to see.
std::string next_round(const std::string& params, const std::string& answers, std::string_view raw_state) {
  std::string out = params.empty() ? "{" : params.substr(0, params.rfind('}'));
  const auto add = [&out](std::string_view name, std::string_view value) {
    const bool first = out.find_first_not_of(" \t\r\n", 1) == std::string::npos;
    if (!first) out += ',';
    out.append("\"").append(name).append("\":").append(value);
  };
  if (!answers.empty()) add("inputResponses", answers);
  if (!raw_state.empty()) add("requestState", raw_state);
  return out + "}";
}

}  // namespace

session::waiting session::rule_for(const std::string& method, const call_options& how) const {
  waiting out;
  out.name = method;
  out.limit = how.timeout.count() > 0 ? how.timeout : options_.request_timeout;
  out.patience = how.on_progress ? out.limit : 0ms;
  out.at_most = aio::after(std::max<std::chrono::milliseconds>(how.at_most, out.limit));
  out.until = aio::after(out.limit);
  out.on_progress = how.on_progress;
  return out;
}

// One request and its answer. A session that the server has lost is opened again; the request is repeated if it cannot have
// been carried out, or does not matter twice: once for the session, and once for the connection, as a server that restarts
// breaks both.
task<message> session::call(std::string method, std::string params, request_extras extras, call_options how) {
  co_await asio::this_coro::throw_if_cancelled(false);
  extras.progress = static_cast<bool>(how.on_progress);
  bool after_session = false;
  bool after_break = false;
  for (;;) {
    MCPSTATE_CO_CHECK(co_await ready());
    auto request = fsm_.request(method, params, extras);
    if (!request) co_return request.error();
    const waiting rule = rule_for(method, how);
    outcome told;
    auto answer = co_await ask(std::move(*request), rule, told);
    if (answer) co_return std::move(*answer);
    const bool harmless = told.session_over || (is_loss(answer.error()) && is_repeatable(method));
    bool& again = told.session_over ? after_session : after_break;
    if (harmless && options_.reopen && !closed_ && !std::exchange(again, true)) continue;
    const bool unknown = is_loss(answer.error()) || answer.error().code() == errc::deadline;
    if (unknown && !told.session_over && !is_repeatable(method)) co_return unknown_outcome(answer.error(), method);
    co_return answer.error();
  }
}

// Asks the host everything that an input_required result wants to know; the raw object of answers, empty if nothing is
// asked.
task<std::string> session::answer_questions(std::string result) {
  const auto asked = find_member(result, "inputRequests");
  if (!asked) co_return std::string();
  if (kind_of(*asked) != json_kind::object) co_return error(errc::protocol, "inputRequests is not an object");
  std::string out = "{";
  for (const json_member& each : members_of(*asked)) {
    const bool sound = kind_of(each.value) == json_kind::object;
    const std::string method = sound ? text_member(each.value, "method") : std::string();
    std::string params(sound ? find_member(each.value, "params").value_or("{}") : "{}");
    const std::string& offered = fsm_.who().capabilities;
    if (!options_.user || !declares(offered, method) || !declares_mode_of(offered, method, params)) {
      co_return error(errc::unsupported, "the server asks for something that was not offered to it", method);
    }
    const std::string key(each.key);
    auto asking = options_.user->answer(method, std::move(params));
    auto answered = co_await std::move(asking);
    if (!answered) co_return answered.error();
    out.append(out.size() > 1 ? "," : "").append(key).append(":").append(*answered);
  }
  co_return out + "}";
}

// A request with as many rounds of questions as the server needs: the result in the end. stale_basis, if that is wanted,
// when the headers do not fit the tool any more: nothing was done.
task<std::string> session::converse(std::string method, std::string params, request_extras extras, call_options how,
                                    bool may_list) {
  std::string now = params;
  for (int round = 1; round <= max_rounds; ++round) {
    auto answer = co_await call(method, std::move(now), extras, how);
    if (!answer) co_return answer.error();
    if (answer->what == message::kind::failure) {
      if (answer->error_code == rpc::header_mismatch && round == 1 && may_list && listed_) {
        listed_ = false;
        co_return error(errc::stale_basis, "the tool's headers have changed", std::move(answer->error_message));
      }
      co_return refusal(method, std::move(*answer));
    }
    const std::string type = kind_of(answer->body) == json_kind::object ? text_member(answer->body, "resultType") : "";
    if (!fsm_.modern() || type.empty() || type == "complete") co_return std::move(answer->body);
    if (type != "input_required") co_return error(errc::protocol, "the server's result is of an unknown type", type);
    const std::string state(find_member(answer->body, "requestState").value_or(""));
    auto answers = co_await answer_questions(std::move(answer->body));
    if (!answers) co_return answers.error();
    if (answers->empty() && state.empty()) co_return error(errc::protocol, "the server asks for input, and not for what");
    if (answers->empty() &&
        !co_await aio::wait_until(aio::after(aio::backoff(round, first_round_wait, longest_round_wait)))) {
      co_return error(errc::stopped, method + " was cancelled");
    }
    now = next_round(params, *answers, state);
  }
  co_return error(errc::protocol, "the server asks for more and more input and never answers " + method);
}

task<std::string> session::request(std::string method, std::string params, call_options options) {
  if (!params.empty() && !is_object(params)) co_return error(errc::bad_argument, "the parameters are no JSON object");
  co_return co_await converse(std::move(method), std::move(params), request_extras(), std::move(options), false);
}

// Modern, HTTP: arguments that the tool's schema wants as headers, too. That takes a listing, if there was none.
task<http::header_list> session::headers_for(std::string tool, std::string arguments) {
  if (!fsm_.modern() || !over_http()) co_return http::header_list();
  if (!listed_ && facts_.has_tools) {
    auto listed = co_await list_tools();
    if (!listed) co_return listed.error();
  }
  const auto found = tool_headers_.find(tool);
  if (found == tool_headers_.end()) co_return http::header_list();
  co_return headers_of_call(found->second, arguments);
}

task<call_result> session::call_tool(std::string name, std::string arguments, call_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (arguments.empty()) arguments = "{}";
  if (!is_object(arguments)) co_return error(errc::bad_argument, "the arguments of a tool are a JSON object");
  MCPSTATE_CO_CHECK(co_await ready());
  const std::string params = "{\"name\":" + quote_json(name) + ",\"arguments\":" + arguments + "}";
  for (bool again = false;; again = true) {
    request_extras extras;
    auto headers = co_await headers_for(name, arguments);
    if (!headers) co_return headers.error();
    extras.headers = std::move(*headers);
    // A stale idea of the tool's headers: list again, and try once more.
    auto body = co_await converse("tools/call", params, std::move(extras), options, !again);
    if (!body && body.error().is(cond::conflict)) continue;
    if (!body) co_return body.error();
    if (kind_of(*body) != json_kind::object) co_return error(errc::protocol, "the answer to tools/call is not an object");
    call_result out;
    out.is_error = find_member(*body, "isError") == "true";
    out.body = std::move(*body);
    co_return std::move(out);
  }
}

task<tool_listing> session::list_tools() {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_CHECK(co_await ready());
  tool_listing out;
  if (!facts_.has_tools) co_return std::move(out);
  tool_pages::limits bounds;
  bounds.max_pages = options_.max_pages;
  bounds.max_tools = options_.max_tools;
  bounds.max_bytes = options_.max_tools_bytes;
  bounds.modern = fsm_.modern();
  bounds.check_headers = fsm_.modern() && over_http();
  tool_pages pages(bounds);
  const aio::deadline whole = aio::after(std::max<std::chrono::milliseconds>(whole_list_limit, options_.request_timeout));
  for (bool more = true; more;) {
    call_options how;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(whole - std::chrono::steady_clock::now());
    how.timeout = std::clamp<std::chrono::milliseconds>(left, 1ms, options_.request_timeout);
    how.at_most = how.timeout;
    auto answer = co_await call("tools/list", pages.next_params(), request_extras(), how);
    if (!answer) co_return answer.error();
    if (answer->what == message::kind::failure) {
      const bool cursor_refused = answer->error_code == rpc::invalid_params && pages.has_cursor();
      if (cursor_refused && pages.restart()) continue;
      co_return refusal("tools/list", std::move(*answer));
    }
    auto added = pages.add(answer->body);
    if (!added) co_return added.error();
    more = *added == tool_pages::verdict::more;
  }
  out.pages = pages.pages();
  out.dropped = pages.dropped();
  out.fresh_for = pages.ttl();
  out.shared_by_users = pages.is_public();
  tool_headers_ = pages.headers();
  auto tools = std::move(pages).finish();
  if (!tools) co_return tools.error();
  out.tools = std::move(*tools);
  listed_ = true;
  co_return std::move(out);
}

task<void> session::ping() {
  // An error is an answer too: whoever refuses to be pinged is alive.
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_CHECK(co_await ready());
  const std::string method = fsm_.modern() ? "server/discover" : "ping";
  auto answer = co_await call(method, std::string(), request_extras(), call_options());
  if (!answer) co_return answer.error();
  co_return result<void>();
}

}  // namespace mcpstate::mcp
