// SPDX-License-Identifier: MIT
#include "mcp/session/session.hh"

#include <algorithm>
#include <utility>

#include "aio/backoff.hh"
#include "aio/scope_guard.hh"
#include "core/bug.hh"
#include "core/json/slice.hh"
#include "mcp/protocol/http_rules.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr auto listing_limit = 60s;        // for all pages together, unless one request may take longer
constexpr int max_rounds = 10;             // of questions within one call
constexpr auto first_round_pause = 200ms;  // between rounds, when the server asks nothing and only wants to be called again
constexpr auto longest_round_pause = 5s;
constexpr auto check_limit = 10s;  // for a ping, and for the tools in its place

// Counts while it lives.
class scoped_count {
 public:
  explicit scoped_count(std::size_t& count) noexcept : count_(count) { ++count_; }
  ~scoped_count() { --count_; }
  scoped_count(const scoped_count&) = delete;
  scoped_count& operator=(const scoped_count&) = delete;

 private:
  std::size_t& count_;
};

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

bool is_json_object(std::string_view text) { return !validate_json(text) && kind_of(text) == json_kind::object; }

// A server that is asked too often may say so in JSON-RPC, which is no answer to the request either.
bool asks_to_wait(const request_failure& details) {
  return details.refusal && wait_of(*details.refusal, wall_clock().now()).has_value();
}

// For a request that may have been carried out before its connection ended.
error outcome_unknown(const error& reason, const std::string& method) {
  return error(errc::outcome_unknown, method + " may or may not have been carried out: " + reason.detail(),
               reason.peer_text());
}

bool is_loss(const error& reason) noexcept {
  return reason.code() == errc::connection_lost || reason.code() == errc::child_exited;
}

// The parameters of the next round: the caller's own, the answers, and the state that the server wants back.
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

session::session(asio::any_io_executor executor, target server, client_options options)
    : options_(std::move(options)), channel_(executor, std::move(server), options_), opener_(channel_, options_) {}

session::~session() = default;

task<void> session::open() {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_return co_await establish();
}

// An exception in here would leave nobody to close the session.
task<void> session::open_guarded() {
  std::string what;
  try {
    auto opening = opener_.open();
    co_return co_await std::move(opening);
  } catch (...) {
    what = caught_text();
  }
  co_return bug_error("the session", std::move(what));
}

task<void> session::establish() {
  tool_headers_.clear();
  listed_ = has_answered_ = pings_useless_ = false;
  auto opened = co_await open_guarded();
  if (!opened) channel_.set_lost(opened.error());
  co_return opened;
}

// Waits until the session is open, opening it again if that is needed and allowed.
task<void> session::ready() {
  while (channel_.lost() || reopening_) {
    if (channel_.closed()) co_return error(errc::stopped, "the session with the server is closed");
    if (reopening_) {
      const std::shared_ptr<aio::latch> reopened = reopening_;
      co_await reopened->wait();
      const bool cancelled = co_await aio::is_cancelled();
      if (cancelled) co_return error(errc::stopped, "the request was cancelled");
      continue;
    }
    const error lost = *channel_.lost();
    if (!options_.reopen) co_return lost;
    if (!guard_.allow(std::chrono::steady_clock::now())) {
      co_return error(lost.code(), "the server ended its session again and again; wait a minute: " + lost.detail(),
                      lost.peer_text());
    }
    MCPSTATE_CO_CHECK(co_await reopen());
  }
  co_return result<void>();
}

// One caller opens the session; the others wait for it.
task<void> session::reopen() {
  const auto reopened = std::make_shared<aio::latch>();
  reopening_ = reopened;
  const aio::scope_guard over([this, reopened] {
    reopening_.reset();
    reopened->open();
  });
  co_return co_await establish();
}

request_limits session::limits_for(const std::string& method, const call_options& options) const {
  request_limits out;
  out.method = method;
  out.limit = options.timeout.count() > 0 ? options.timeout : options_.request_timeout;
  out.progress_extension = options.on_progress ? out.limit : 0ms;
  out.at_most = aio::after(std::max<std::chrono::milliseconds>(options.at_most, out.limit));
  out.until = aio::after(out.limit);
  out.on_progress = options.on_progress;
  return out;
}

// Whether a request was refused because the server has lost the session. The words may be about a session of the tool's own:
// a server that still answers the list, as it has done before, has lost nothing.
asio::awaitable<bool> session::is_lost_session(std::string method, bool told) {
  if (method == "tools/list" || !facts().has_tools) co_return told;
  auto request = channel_.fsm().request("tools/list", "{}");
  if (!request) co_return true;
  request_limits limits = limits_for("tools/list", call_options());
  request_failure details;
  auto listed = co_await channel_.ask(std::move(*request), std::move(limits), details);
  co_return listed ? listed->type == message::kind::failure : details.session_over;
}

// Why the session was lost, if this answer says so.
asio::awaitable<std::optional<error>> session::find_loss(std::string method, const message& answer) {
  const bool told = tells_lost_session(answer);
  // A server that does not know the method is alive; any other refusal of a ping may mean anything.
  const bool refused = answer.type == message::kind::failure;
  const bool doubtful = refused && method == "ping" && answer.error_code != rpc::method_not_found;
  const bool answered_before = has_answered_;
  has_answered_ = has_answered_ || !told;
  if ((!told && !doubtful) || !answered_before || !channel_.has_session()) co_return std::nullopt;
  const bool lost = co_await is_lost_session(std::move(method), told);
  if (!lost) co_return std::nullopt;
  if (!channel_.lost()) channel_.lose_session();
  co_return *channel_.lost();
}

// One request and its answer. A session that the server has lost is opened again. The request is then repeated if it cannot
// have been carried out or does no harm twice: once for a lost session, and once for a broken connection, because a server
// that restarts causes both.
task<message> session::exchange(std::string method, std::string params, request_extras extras, call_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const scoped_count counted(under_way_);
  extras.progress = static_cast<bool>(options.on_progress);
  bool repeated_for_session = false, repeated_for_connection = false;
  for (;;) {
    MCPSTATE_CO_CHECK(co_await ready());
    MCPSTATE_CO_TRY(request, channel_.fsm().request(method, params, extras));
    request_limits limits = limits_for(method, options);
    request_failure details;
    auto answer = co_await channel_.ask(std::move(request), std::move(limits), details);
    if (answer && asks_to_wait(details)) co_return explain_answer(*details.refusal, wall_clock().now());
    std::optional<error> loss;
    if (answer) loss = co_await find_loss(method, *answer);
    if (answer && !loss) {
      if (answer->type == message::kind::result) ++answered_;
      co_return std::move(*answer);
    }
    if (loss) {
      answer = *loss;
      details.session_over = true;
    }
    const bool harmless = details.session_over || (is_loss(answer.error()) && is_repeatable(method));
    bool& repeated = details.session_over ? repeated_for_session : repeated_for_connection;
    if (harmless && options_.reopen && !channel_.closed() && !std::exchange(repeated, true)) continue;
    const errc code = answer.error().code();
    if (code == errc::busy) co_return error(code, method + " was carried out; there is no room for its answer");
    const bool unknown = is_loss(answer.error()) || code == errc::deadline || code == errc::bug;
    if (unknown && !details.session_over && !is_repeatable(method)) co_return outcome_unknown(answer.error(), method);
    co_return answer.error();
  }
}

// Asks the host the questions of an input_required result. Answers the raw object of answers; empty if nothing is asked.
task<std::string> session::answer_questions(std::string result) {
  const auto asked = find_member(result, "inputRequests");
  if (!asked) co_return std::string();
  if (kind_of(*asked) != json_kind::object) co_return error(errc::protocol, "inputRequests is not an object");
  std::string out = "{";
  json_walk questions(*asked);
  for (bool more = questions.enter(); more; more = questions.next()) {
    const std::string_view key = questions.take_key();
    const std::string_view question = questions.take();
    const bool sound = kind_of(question) == json_kind::object;
    const std::string method = sound ? text_member(question, "method") : std::string();
    std::string params(sound ? find_member(question, "params").value_or("{}") : "{}");
    const std::string& offered = channel_.fsm().identity().capabilities;
    if (!options_.user || !declares(offered, method) || !declares_mode_of(offered, method, params)) {
      co_return error(errc::unsupported, "the server asks for something that was not offered to it", method);
    }
    auto asking = options_.user->answer(method, std::move(params));
    MCPSTATE_CO_TRY(answered, co_await std::move(asking));
    out.append(out.size() > 1 ? "," : "").append(key).append(":").append(answered);
  }
  co_return out + "}";
}

// A request with as many rounds of questions as the server needs; answers the final result. With stale_headers::report it
// fails with stale_basis when the headers do not fit the tool any more; nothing was done then.
task<std::string> session::converse(std::string method, std::string params, request_extras extras, call_options options,
                                    stale_headers rule) {
  std::string current = params;
  for (int round = 1; round <= max_rounds; ++round) {
    MCPSTATE_CO_TRY(answer, co_await exchange(method, std::move(current), extras, options));
    if (answer.type == message::kind::failure) {
      if (answer.error_code == rpc::header_mismatch && round == 1 && rule == stale_headers::report && listed_) {
        listed_ = false;
        co_return error(errc::stale_basis, "the tool's headers have changed", std::move(answer.error_message));
      }
      co_return refusal(method, std::move(answer));
    }
    const std::string type = kind_of(answer.body) == json_kind::object ? text_member(answer.body, "resultType") : "";
    if (!channel_.fsm().modern() || type.empty() || type == "complete") co_return std::move(answer.body);
    if (type != "input_required") co_return error(errc::protocol, "the server's result is of an unknown type", type);
    const std::string state(find_member(answer.body, "requestState").value_or(""));
    MCPSTATE_CO_TRY(answers, co_await answer_questions(std::move(answer.body)));
    if (answers.empty() && state.empty()) co_return error(errc::protocol, "the server asks for input, and not for what");
    if (answers.empty() &&
        !co_await aio::wait_until(aio::after(aio::backoff(round, first_round_pause, longest_round_pause)))) {
      co_return error(errc::stopped, method + " was cancelled");
    }
    current = next_round(params, answers, state);
  }
  co_return error(errc::protocol, "the server asks for more and more input and never answers " + method);
}

task<std::string> session::do_request(std::string method, std::string params, call_options options) {
  if (!params.empty() && !is_json_object(params)) co_return error(errc::bad_argument, "the parameters are no JSON object");
  co_return co_await converse(std::move(method), std::move(params), request_extras(), std::move(options),
                              stale_headers::refuse);
}

// Modern era over HTTP: the arguments that the tool's schema wants as headers, too. The tools are listed if they were not
// yet.
task<http::header_list> session::headers_for(std::string tool, std::string arguments) {
  if (!channel_.fsm().modern() || !channel_.over_http()) co_return http::header_list();
  if (!listed_ && facts().has_tools) {
    MCPSTATE_CO_CHECK(co_await do_list_tools());
  }
  const auto found = tool_headers_.find(tool);
  if (found == tool_headers_.end()) co_return http::header_list();
  co_return headers_of_call(found->second, arguments);
}

task<call_result> session::do_call_tool(std::string name, std::string arguments, call_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (arguments.empty()) arguments = "{}";
  if (!is_json_object(arguments)) co_return error(errc::bad_argument, "the arguments of a tool are a JSON object");
  MCPSTATE_CO_CHECK(co_await ready());
  const std::string params = "{\"name\":" + quote_json(name) + ",\"arguments\":" + arguments + "}";
  for (stale_headers rule = stale_headers::report;; rule = stale_headers::refuse) {
    request_extras extras;
    MCPSTATE_CO_TRY(headers, co_await headers_for(name, arguments));
    extras.headers = std::move(headers);
    auto body = co_await converse("tools/call", params, std::move(extras), options, rule);
    if (!body && body.error().is(cond::conflict)) continue;  // list the tools again, and try once more
    if (!body) co_return body.error();
    if (kind_of(*body) != json_kind::object) co_return error(errc::protocol, "the answer to tools/call is not an object");
    call_result out;
    out.is_error = find_member(*body, "isError") == "true";
    out.body = std::move(*body);
    co_return std::move(out);
  }
}

// All pages.
task<void> session::collect(tool_pages& pages) {
  const aio::deadline until = aio::after(std::max<std::chrono::milliseconds>(listing_limit, options_.request_timeout));
  for (bool more = true; more;) {
    call_options options;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    options.timeout = std::clamp<std::chrono::milliseconds>(left, 1ms, options_.request_timeout);
    options.at_most = options.timeout;
    MCPSTATE_CO_TRY(answer, co_await exchange("tools/list", pages.next_params(), request_extras(), options));
    if (answer.type == message::kind::failure) {
      const bool cursor_refused = answer.error_code == rpc::invalid_params && pages.has_cursor();
      if (cursor_refused && pages.restart()) continue;
      co_return refusal("tools/list", std::move(answer));
    }
    MCPSTATE_CO_TRY(added, pages.add(answer.body));
    more = added == tool_pages::progress::more;
  }
  co_return result<void>();
}

task<tool_listing> session::do_list_tools() {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_CHECK(co_await ready());
  tool_listing out;
  if (!facts().has_tools) co_return std::move(out);
  tool_pages::limits bounds;
  bounds.max_pages = options_.max_pages;
  bounds.max_tools = options_.max_tools;
  bounds.max_bytes = options_.max_tools_bytes;
  bounds.modern = channel_.fsm().modern();
  bounds.check_headers = channel_.fsm().modern() && channel_.over_http();
  tool_pages pages(bounds);
  MCPSTATE_CO_CHECK(co_await collect(pages));
  out.pages = pages.pages();
  out.dropped = pages.dropped();
  out.fresh_for = pages.ttl();
  out.shared_by_users = pages.is_public();
  tool_headers_ = pages.headers();
  MCPSTATE_CO_TRY(tools, std::move(pages).finish());
  out.tools = std::move(tools);
  listed_ = true;
  co_return std::move(out);
}

// Asks, within the time that a check may take.
task<message> session::check_by(std::string method) {
  call_options options;
  options.timeout = std::min<std::chrono::milliseconds>(options_.request_timeout, check_limit);
  std::string params;
  if (method == "tools/list") params = tool_pages(tool_pages::limits()).next_params();
  co_return co_await exchange(std::move(method), std::move(params), request_extras(), std::move(options));
}

// Many servers know no ping, and answer it with an error or not at all. Such an error tells nothing of the session, because
// that of a server which has lost it looks the same. They are asked for their tools instead, which is remembered.
task<void> session::check() {
  const bool has_tools = facts().has_tools;
  if (!pings_useless_) {
    const std::string method = channel_.fsm().modern() ? "server/discover" : "ping";
    auto pinged = co_await check_by(method);
    const bool refused = pinged && pinged->type == message::kind::failure;
    if (pinged && !refused) co_return result<void>();
    if (refused && !has_tools && pinged->error_code == rpc::method_not_found) co_return result<void>();
    const bool useless = refused || pinged.error().is(cond::timeout);
    if (!useless || !has_tools) co_return refused ? refusal(method, std::move(*pinged)) : pinged.error();
  }
  auto listed = co_await check_by("tools/list");
  if (!listed) co_return listed.error();
  if (listed->type == message::kind::failure) co_return refusal("tools/list", std::move(*listed));
  pings_useless_ = true;
  co_return result<void>();
}

task<void> session::do_ping() {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_CHECK(co_await ready());
  // A server of one thread answers nothing while it works. Each request has a time of its own, in which it fails.
  if (under_way_ > 0) co_return result<void>();
  const std::uint64_t before = answered_;
  auto checked = co_await check();
  const bool busy = under_way_ > 0 || answered_ != before;
  const bool too_much_came = !checked && checked.error().code() == errc::busy;
  if (too_much_came || (!checked && checked.error().is(cond::timeout) && busy)) co_return result<void>();
  co_return checked;
}

asio::awaitable<void> session::close() { co_await channel_.close(); }

}  // namespace mcpstate::mcp
