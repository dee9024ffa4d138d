// SPDX-License-Identifier: MIT
#include "mcp/transport/http_transport.hh"

#include <mcpstate/aio/deadline.hpp>

#include <algorithm>
#include <utility>

#include "aio/backoff.hh"
#include "core/bug.hh"
#include "mcp/protocol/revisions.hh"
#include "mcp/transport/message_room.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t refusal_bytes = 64 * 1024;  // of the body of an answer that is no success
constexpr auto delete_limit = 1s;                 // for DELETE

// Streams.
constexpr int max_resumptions = 5;      // of one request's stream without progress; then it counts as lost
constexpr auto first_pause = 1s;        // where the server names no time
constexpr auto shortest_pause = 100ms;  // whatever time it names, from the second time on
constexpr auto longest_pause = 30s;
constexpr auto longest_minimum = 5s;
constexpr auto longest_announcement_pause = 300s;
constexpr auto long_life = 5s;        // a stream that lasted so long was no failure: servers and proxies end idle streams
constexpr auto longest_retry = 5min;  // the longest pause that a server may ask for
constexpr auto announcements_patience = 2s;  // some servers send the head of the stream with its first event only

// Servers may do without that stream.
error no_stream(const http::head& head) {
  return error(errc::http_status, "the server offers no stream of announcements (HTTP " + std::to_string(head.status) + ")");
}

error no_answer() { return error(errc::connection_lost, "the server ended its stream without an answer to the request"); }

}  // namespace

http_transport::http_transport(asio::any_io_executor executor, message_sink& sink, http_target server,
                               transport_options options)
    : sink_(sink),
      max_message_(options.max_message_bytes),
      message_budget_(options.message_budget),
      message_owner_(options.message_owner),
      pool_(executor, pool_of(std::move(server), std::move(options))),
      group_(executor, [this](const std::string&, const std::string& what) { end_by_bug(what); }) {}

void http_transport::end_by_bug(const std::string& what) {
  announcements_failure_ = bug_error("the session", what);
  announcements_decided_.open();
  sink_.on_lost(*announcements_failure_);
}

task<void> http_transport::open() {
  MCPSTATE_CO_CHECK(pool_.prepare());
  co_return result<void>();
}

void http_transport::on_negotiated(const std::string& version) {
  legacy_ = true;
  // Older revisions do not have the header. Versions are dates: they compare as text.
  if (version >= "2025-06-18") version_ = version;
}

http::header_list http_transport::session_headers() const {
  http::header_list out;
  if (!version_.empty()) out.emplace_back("MCP-Protocol-Version", version_);
  if (!session_id_.empty()) out.emplace_back("Mcp-Session-Id", session_id_);
  return out;
}

http::header_list http_transport::headers_of(const outgoing& request) const {
  http::header_list out = session_headers();
  // Always both types: servers answer 406 without, also to notifications.
  out.emplace_back("Accept", "application/json, text/event-stream");
  out.emplace_back("Content-Type", "application/json");
  if (!request.version.empty()) out.emplace_back("MCP-Protocol-Version", request.version);
  out.insert(out.end(), request.headers.begin(), request.headers.end());
  return out;
}

task<void> http_transport::send(outgoing request) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto kind = request.method.empty() || is_repeatable(request.method) ? http::request_kind::idempotent
                                                                            : http::request_kind::at_most_once;
  http::header_list headers = headers_of(request);
  const bool in_session = !session_id_.empty();
  MCPSTATE_CO_TRY(started, co_await pool_.start("POST", std::move(headers), std::move(request.text), kind));
  if (!http::is_success(started.head)) co_return co_await take_refusal(std::move(started), request.id, in_session);
  MCPSTATE_CO_CHECK(note_session(request, started.head));
  // A notification or an answer was accepted. The body does not count: 202, and 200 with null, {} or text, all occur.
  if (request.id == 0) co_return co_await pool_.drain(std::move(started));
  if (http::media_type(started.head.content_type) == "text/event-stream") {
    co_return co_await take_stream(std::move(started), request.id);
  }
  co_return co_await take_answer(std::move(started), request.id);
}

// A session begins with the answer to initialize only: servers put ids on other answers, too.
result<void> http_transport::note_session(const outgoing& request, const http::head& head) {
  const std::string_view id = head.other(session_header);
  if (request.method != "initialize" || id.empty()) return result<void>();
  if (!is_session_id(id)) return error(errc::protocol, "the server's session id holds characters it must not");
  session_id_ = id;
  return result<void>();
}

task<void> http_transport::take_answer(http::exchange exchange, std::uint64_t id) {
  const bool json = http::media_type(exchange.head.content_type) == "application/json";
  message_room room(message_budget_, message_owner_);
  http::size_check check = [&room](std::size_t bytes) { return room.resize(bytes); };
  auto reading = http::read_all(*exchange.connection, json ? max_message_ : refusal_bytes, !json, std::move(check));
  MCPSTATE_CO_TRY(body, co_await std::move(reading));
  if (!json) {
    http::answer answer = http::to_answer(exchange.head, std::move(body));
    const error reason = explain_answer(answer, wall_clock().now());
    sink_.on_refused(id, std::move(answer));
    co_return reason;
  }
  if (body.empty()) co_return error(errc::protocol, "the server's answer to the request is empty");
  MCPSTATE_CO_CHECK(sink_.on_text(std::move(body), id));
  if (sink_.is_waiting(id)) co_return error(errc::protocol, "the server's answer does not belong to the request");
  has_worked_ = legacy_;
  pool_.release(std::move(exchange));
  co_return result<void>();
}

// in_session: the request named a session. Another request may have found out before that the session is over.
task<void> http_transport::take_refusal(http::exchange exchange, std::uint64_t id, bool in_session) {
  auto body = co_await http::read_all(*exchange.connection, refusal_bytes, true);
  http::answer answer = http::to_answer(exchange.head, body ? std::move(*body) : std::string());
  pool_.release(std::move(exchange));
  const error reason = explain_answer(answer, wall_clock().now());
  if (in_session && is_session_over(answer, has_worked_)) {
    session_id_.clear();
    sink_.on_session_over(id);
    co_return reason;
  }
  const bool answers = id != 0 && reason.code() != errc::auth_failed && has_rpc_error(answer);
  std::string text = answers ? answer.body : std::string();
  sink_.on_refused(id, std::move(answer));
  if (!answers) co_return reason;
  MCPSTATE_CO_CHECK(sink_.on_text(std::move(text), id));
  if (sink_.is_waiting(id)) co_return reason;
  co_return result<void>();
}

result<void> http_transport::give_event(http::sse_event event, std::uint64_t id) {
  if (!event.is_message()) return result<void>();
  return sink_.on_text(std::move(event.data), id);
}

// Reads events up to the answer to the request, because a server may leave the stream open after it. id 0: up to the end of
// the stream.
task<void> http_transport::read_events(http::exchange& exchange, std::uint64_t id, stream_position& position) {
  http::sse_parser parser(max_message_, position.last_event_id);
  message_room room(message_budget_, message_owner_);
  const auto give = [this, id](http::sse_event event) { return give_event(std::move(event), id); };
  while (id == 0 || sink_.is_waiting(id)) {
    auto part = co_await exchange.connection->read_body();
    if (part && !part->empty()) {
      const auto taken = parser.feed(*part, give);
      position.last_event_id = parser.last_event_id();
      if (parser.retry()) position.retry = parser.retry();
      if (!taken) co_return taken.error();
      MCPSTATE_CO_CHECK(room.resize(parser.held_bytes()));
      continue;
    }
    // Servers leave out the blank line that ends the last event.
    if (auto last = parser.finish(); last && last->is_message())
      static_cast<void>(sink_.on_text(std::move(last->data), id).has_value());
    if (id != 0 && !sink_.is_waiting(id)) break;
    if (!part) co_return part.error();
    co_return no_answer();
  }
  co_return result<void>();
}

task<void> http_transport::take_stream(http::exchange exchange, std::uint64_t id) {
  stream_position position;
  auto read = co_await read_events(exchange, id, position);
  if (read) {
    has_worked_ = legacy_;
    co_return co_await pool_.drain(std::move(exchange));
  }
  const bool broke = read.error().code() == errc::connection_lost;
  if (!broke || !legacy_ || position.last_event_id.empty()) co_return read.error();
  exchange.connection.reset();
  auto rest = co_await resume(id, std::move(position), read.error());
  if (rest) has_worked_ = true;
  co_return rest;
}

// Reads the rest of a stream that broke before the answer, by GET, as the server has offered with its event ids.
task<void> http_transport::resume(std::uint64_t id, stream_position position, error reason) {
  std::chrono::milliseconds minimum{0};
  int rounds = 0;
  for (int failures = 1; failures <= max_resumptions && sink_.is_waiting(id) && !position.last_event_id.empty();
       ++failures) {
    const auto pause = position.retry ? std::clamp<std::chrono::milliseconds>(*position.retry, minimum, longest_retry)
                                      : aio::backoff(failures, first_pause, longest_pause);
    // A server that ends one stream after the other is asked less and less often.
    ++rounds;
    minimum =
        rounds < max_resumptions ? shortest_pause : aio::backoff(rounds - max_resumptions + 1, first_pause, longest_minimum);
    if (!co_await aio::wait_until(aio::after(pause))) co_return reason;
    auto opened = co_await get_stream(position.last_event_id);
    if (!opened) continue;  // until the attempts are used up
    if (!http::is_success(opened->head) || http::media_type(opened->head.content_type) != "text/event-stream")
      co_return reason;
    const std::string before = position.last_event_id;
    auto read = co_await read_events(*opened, id, position);
    if (read) co_return result<void>();  // the stream may go on without end, so its connection is not used again
    if (read.error().code() != errc::connection_lost) co_return read.error();
    if (position.last_event_id != before) failures = 0;  // it brought events
  }
  co_return reason;
}

task<http::exchange> http_transport::get_stream(std::string last_event_id) {
  http::header_list headers = session_headers();
  headers.emplace_back("Accept", "text/event-stream");
  if (!last_event_id.empty()) headers.emplace_back("Last-Event-ID", std::move(last_event_id));
  co_return co_await pool_.start("GET", std::move(headers), std::string(), http::request_kind::stream);
}

task<void> http_transport::follow() {
  co_await asio::this_coro::throw_if_cancelled(false);
  group_.spawn("mcp announcements", follow_announcements());
  co_await announcements_decided_.wait(aio::after(announcements_patience));
  if (!announcements_decided_.is_open())
    co_return error(errc::deadline, "the server takes long to open its stream of announcements");
  if (announcements_failure_) co_return *announcements_failure_;
  co_return result<void>();
}

asio::awaitable<void> http_transport::follow_announcements() {
  co_await asio::this_coro::throw_if_cancelled(false);
  stream_position position;
  int failures = 0;
  for (bool first = true;; first = false) {
    if (!first) {
      const auto pause = position.retry && failures <= 1
                             ? std::min<std::chrono::milliseconds>(*position.retry, longest_retry)
                             : aio::backoff(std::max(failures, 1), first_pause, longest_announcement_pause);
      if (!co_await aio::wait_until(aio::after(pause))) break;
    }
    const bool go_on = co_await read_announcements(position, failures);
    announcements_decided_.open();
    if (!go_on || group_.stopping()) break;
  }
  announcements_decided_.open();
}

// One stream of announcements, from its opening to its end. False if the server does not offer one.
asio::awaitable<bool> http_transport::read_announcements(stream_position& position, int& failures) {
  const bool resuming = !position.last_event_id.empty();
  auto opened = co_await get_stream(position.last_event_id);
  if (!opened) {
    ++failures;
    if (!announcements_decided_.is_open()) announcements_failure_ = opened.error();
    co_return true;
  }
  const unsigned status = opened->head.status;
  if (status == 200 && http::media_type(opened->head.content_type) == "text/event-stream") {
    announcements_decided_.open();
    had_announcements_ = true;
    if (failures > 0 && !resuming) sink_.on_gap();
    const auto started = std::chrono::steady_clock::now();
    auto read = co_await read_events(*opened, 0, position);
    static_cast<void>(read.has_value());  // however it has ended, it is opened again
    failures = std::chrono::steady_clock::now() - started > long_life ? 1 : failures + 1;
    if (!group_.stopping()) sink_.on_stream_ended();
    co_return true;
  }
  ++failures;
  if (!announcements_decided_.is_open()) announcements_failure_ = no_stream(opened->head);
  // The server does not know the event id any more: begin anew.
  if (resuming && (status == 400 || status == 404)) {
    position = stream_position();
    co_return true;
  }
  // The server has forgotten the session. Where there was no stream before, 404 only means that it offers none.
  if (status == 404 && had_announcements_ && !session_id_.empty()) {
    session_id_.clear();
    sink_.on_session_over(0);
  }
  // 409: the server has not noticed yet that the last stream has ended.
  co_return status == 409 || status == 429 || status >= 500;
}

task<void> http_transport::end_session() {
  co_await asio::this_coro::throw_if_cancelled(false);
  http::header_list headers = session_headers();
  headers.emplace_back("Accept", "application/json, text/event-stream");
  MCPSTATE_CO_CHECK(co_await pool_.start("DELETE", std::move(headers), std::string(), http::request_kind::idempotent));
  co_return result<void>();
}

asio::awaitable<void> http_transport::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await group_.stop();
  if (!session_id_.empty()) {
    // Nothing depends on the answer; 405 is usual.
    auto deleted = co_await aio::with_deadline(end_session(), aio::after(delete_limit), "the end of the session");
    static_cast<void>(deleted.has_value());
    session_id_.clear();
  }
  pool_.close();
}

}  // namespace mcpstate::mcp
