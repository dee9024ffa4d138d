// SPDX-License-Identifier: MIT
#include "mcp/http_transport.hh"

#include <mcpstate/aio/deadline.hpp>

#include <utility>

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t refusal_bytes = 64 * 1024;  // of the body of an answer that is no success
constexpr std::size_t max_idle = 2;               // connections: one for requests, one for answers to the server's own
constexpr auto tail_limit = 250ms;                // for the rest of a stream that has given its answer
constexpr auto goodbye_limit = 1s;                // for DELETE

bool is_success(const http_head& head) noexcept { return head.status >= 200 && head.status < 300; }

http_answer summary(const http_head& head, std::string body) {
  http_answer out;
  out.status = head.status;
  out.content_type = head.content_type;
  out.location = head.location;
  out.body = std::move(body);
  return out;
}

}  // namespace

http_transport::http_transport(asio::any_io_executor executor, message_sink& sink, http_target where,
                               const client_options& options)
    : executor_(executor),
      sink_(sink),
      where_(std::move(where)),
      ca_file_(options.ca_file),
      user_agent_(user_agent(options.client_name, options.client_version)),
      max_message_(options.max_message_bytes) {}

task<void> http_transport::open() {
  MCPSTATE_CO_CHECK(check_headers(where_.headers));
  MCPSTATE_CO_TRY(url, parse_http_url(where_.url));
  url_ = std::move(url);
  if (url_.tls) {
    MCPSTATE_CO_TRY(context, make_tls_context(ca_file_));
    tls_ = std::move(context);
  }
  co_return result<void>();
}

void http_transport::on_negotiated(const std::string& version) {
  // Older revisions do not have the header. Versions are dates: they compare as text.
  if (version >= "2025-06-18") version_ = version;
}

http_request http_transport::make_request(std::string method, std::string body) const {
  http_request out;
  out.method = std::move(method);
  out.target = url_.target;
  out.headers = where_.headers;
  // Both types, always: servers refuse with 406 whoever does not take both, also for notifications.
  out.headers.emplace_back("Accept", "application/json, text/event-stream");
  if (!has_header(where_.headers, "User-Agent")) out.headers.emplace_back("User-Agent", user_agent_);
  if (!body.empty()) out.headers.emplace_back("Content-Type", "application/json");
  if (!version_.empty()) out.headers.emplace_back("MCP-Protocol-Version", version_);
  if (!session_id_.empty()) out.headers.emplace_back("Mcp-Session-Id", session_id_);
  out.body = std::move(body);
  return out;
}

// Sends on a connection kept from before, else on a new one. A server closes idle connections when it likes (Node: after 5
// s): one that broke before any byte of an answer was closed before the request arrived, and a new one gets it.
task<http_transport::exchange> http_transport::start(http_request what) {
  exchange out;
  if (!idle_.empty()) {
    out.connection = std::move(idle_.back());
    idle_.pop_back();
    auto head = co_await out.connection->exchange(what);
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool stopped = state.cancelled() != asio::cancellation_type::none;
    if (!head && (out.connection->answered() || stopped)) co_return head.error();
    if (head) {
      out.head = std::move(*head);
      co_return std::move(out);
    }
    idle_.clear();  // as old as the one that broke, or older
  }
  auto opened = co_await open_http_connection(executor_, url_, tls_);
  if (!opened) co_return opened.error();
  out.connection = std::move(*opened);
  auto head = co_await out.connection->exchange(std::move(what));
  if (!head) co_return head.error();
  out.head = std::move(*head);
  co_return std::move(out);
}

task<void> http_transport::send(outgoing what) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto begun = co_await start(make_request("POST", std::move(what.text)));
  if (!begun) co_return begun.error();
  if (!is_success(begun->head)) co_return co_await take_refusal(std::move(*begun));
  MCPSTATE_CO_CHECK(note_session(begun->head));
  // A notification or an answer was accepted. What the body says does not matter: 202, 200 with null, {} or text all occur.
  if (what.id == 0) co_return co_await finish(std::move(*begun));
  if (media_type(begun->head.content_type) == "text/event-stream") {
    co_return co_await take_stream(std::move(*begun), what.id);
  }
  co_return co_await take_answer(std::move(*begun), what.id);
}

result<void> http_transport::note_session(const http_head& head) {
  if (head.session_id.empty() || !session_id_.empty()) return result<void>();
  if (!is_session_id(head.session_id)) return error(errc::protocol, "the server's session id holds characters it must not");
  session_id_ = head.session_id;
  return result<void>();
}

// The whole body; too_large beyond the limit, or the part within it if that is enough (cut).
task<std::string> http_transport::read_all(http_connection& from, std::size_t limit, bool cut) {
  std::string out;
  for (;;) {
    auto part = co_await from.read_body();
    if (!part) co_return part.error();
    if (part->empty()) co_return std::move(out);
    out += *part;
    if (out.size() <= limit) continue;
    if (!cut) co_return error(errc::too_large, "the server's answer is larger than " + std::to_string(limit) + " bytes");
    out.resize(limit);
    co_return std::move(out);
  }
}

task<void> http_transport::take_answer(exchange on, std::uint64_t id) {
  const bool json = media_type(on.head.content_type) == "application/json";
  auto body = co_await read_all(*on.connection, json ? max_message_ : refusal_bytes, !json);
  if (!body) co_return body.error();
  if (json && body->empty()) co_return error(errc::protocol, "the server's answer to the request is empty");
  if (!json) co_return explain_answer(summary(on.head, std::move(*body)));
  MCPSTATE_CO_CHECK(sink_.on_text(std::move(*body)));
  if (sink_.is_waiting(id)) co_return error(errc::protocol, "the server's answer does not belong to the request");
  co_return co_await finish(std::move(on));
}

result<void> http_transport::give_events(std::vector<sse_event> events) {
  for (sse_event& event : events) {
    if (!event.is_message()) continue;
    const auto taken = sink_.on_text(std::move(event.data));
    if (!taken) return taken.error();
  }
  return result<void>();
}

// Events up to the answer to the request: a server may keep the stream open behind it.
task<void> http_transport::take_stream(exchange on, std::uint64_t id) {
  sse_parser parser(max_message_);
  while (sink_.is_waiting(id)) {
    auto part = co_await on.connection->read_body();
    if (part && !part->empty()) {
      MCPSTATE_CO_TRY(events, parser.feed(*part));
      MCPSTATE_CO_CHECK(give_events(std::move(events)));
      continue;
    }
    // Servers forget the blank line that ends the last event.
    if (auto last = parser.finish(); last && last->is_message())
      static_cast<void>(sink_.on_text(std::move(last->data)).has_value());
    if (!sink_.is_waiting(id)) break;
    if (!part) co_return part.error();
    co_return error(errc::connection_lost, "the server ended its stream without an answer to the request");
  }
  co_return co_await finish(std::move(on));
}

task<void> http_transport::take_refusal(exchange on) {
  auto body = co_await read_all(*on.connection, refusal_bytes, true);
  http_answer answer = summary(on.head, body ? std::move(*body) : std::string());
  if (on.connection->reusable() && idle_.size() < max_idle) idle_.push_back(std::move(on.connection));
  if (is_method_unknown(answer)) {
    MCPSTATE_CO_CHECK(sink_.on_text(std::move(answer.body)));
    co_return result<void>();
  }
  co_return explain_answer(answer);
}

// Reads what is left of a body that nobody needs, and keeps the connection; one that takes long about it is dropped.
task<void> http_transport::finish(exchange on) {
  auto rest = read_all(*on.connection, refusal_bytes, false);
  auto drained = co_await aio::with_deadline(std::move(rest), aio::after(tail_limit), "the rest of an answer");
  if (drained && on.connection->reusable() && idle_.size() < max_idle) idle_.push_back(std::move(on.connection));
  co_return result<void>();
}

task<void> http_transport::end_session() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto begun = co_await start(make_request("DELETE", std::string()));
  if (!begun) co_return begun.error();
  co_return result<void>();
}

asio::awaitable<void> http_transport::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (!session_id_.empty()) {
    // A courtesy: whatever comes of it, we are gone. 405 is usual.
    auto goodbye = co_await aio::with_deadline(end_session(), aio::after(goodbye_limit), "the end of the session");
    static_cast<void>(goodbye.has_value());
    session_id_.clear();
  }
  idle_.clear();
}

}  // namespace mcpstate::mcp
