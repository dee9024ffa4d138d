// SPDX-License-Identifier: MIT
#include "mcp/transport/http_transport.hh"

#include <mcpstate/aio/deadline.hpp>

#include <utility>

#include "mcp/protocol/revisions.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t refusal_bytes = 64 * 1024;  // of the body of an answer that is no success
constexpr auto goodbye_limit = 1s;                // for DELETE

}  // namespace

http_transport::http_transport(asio::any_io_executor executor, message_sink& sink, http_target where,
                               transport_options options)
    : sink_(sink),
      max_message_(options.max_message_bytes),
      pool_(executor, pool_of(std::move(where), std::move(options))),
      group_(executor) {}

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

http::header_list http_transport::headers_of(const outgoing& what) const {
  http::header_list out = session_headers();
  // Both types, always: servers refuse with 406 whoever does not take both, also for notifications.
  out.emplace_back("Accept", "application/json, text/event-stream");
  out.emplace_back("Content-Type", "application/json");
  if (!what.version.empty()) out.emplace_back("MCP-Protocol-Version", what.version);
  out.insert(out.end(), what.headers.begin(), what.headers.end());
  return out;
}

task<void> http_transport::send(outgoing what) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto kind =
      what.method.empty() || is_repeatable(what.method) ? http::request_kind::idempotent : http::request_kind::at_most_once;
  http::header_list headers = headers_of(what);
  const bool in_session = !session_id_.empty();
  auto begun = co_await pool_.start("POST", std::move(headers), std::move(what.text), kind);
  if (!begun) co_return begun.error();
  if (!http::is_success(begun->head)) co_return co_await take_refusal(std::move(*begun), what.id, in_session);
  MCPSTATE_CO_CHECK(note_session(what, begun->head));
  // A notification or an answer was accepted. What the body says does not matter: 202, 200 with null, {} or text all occur.
  if (what.id == 0) co_return co_await pool_.drain(std::move(*begun));
  if (http::media_type(begun->head.content_type) == "text/event-stream") {
    co_return co_await take_stream(std::move(*begun), what.id);
  }
  co_return co_await take_answer(std::move(*begun), what.id);
}

// A session begins with the answer to initialize, and nowhere else: others put ids on their answers to the probe, too.
result<void> http_transport::note_session(const outgoing& what, const http::head& head) {
  const std::string_view id = head.other(session_header);
  if (what.method != "initialize" || id.empty()) return result<void>();
  if (!is_session_id(id)) return error(errc::protocol, "the server's session id holds characters it must not");
  session_id_ = id;
  return result<void>();
}

task<void> http_transport::take_answer(http::exchange on, std::uint64_t id) {
  const bool json = http::media_type(on.head.content_type) == "application/json";
  auto body = co_await http::read_all(*on.connection, json ? max_message_ : refusal_bytes, !json);
  if (!body) co_return body.error();
  if (!json) {
    http::answer answer = http::to_answer(on.head, std::move(*body));
    const error why = explain_answer(answer);
    sink_.on_refused(id, std::move(answer));
    co_return why;
  }
  if (body->empty()) co_return error(errc::protocol, "the server's answer to the request is empty");
  MCPSTATE_CO_CHECK(sink_.on_text(std::move(*body), id));
  if (sink_.is_waiting(id)) co_return error(errc::protocol, "the server's answer does not belong to the request");
  has_worked_ = legacy_;
  pool_.release(std::move(on));
  co_return result<void>();
}

// in_session: the request named a session. Others may have found out before that it is over.
task<void> http_transport::take_refusal(http::exchange on, std::uint64_t id, bool in_session) {
  auto body = co_await http::read_all(*on.connection, refusal_bytes, true);
  http::answer answer = http::to_answer(on.head, body ? std::move(*body) : std::string());
  pool_.release(std::move(on));
  const error why = explain_answer(answer);
  if (in_session && is_session_over(answer, has_worked_)) {
    session_id_.clear();
    sink_.on_session_over(id);
    co_return why;
  }
  const bool answers = id != 0 && why.code() != errc::auth_failed && has_rpc_error(answer);
  std::string text = answers ? answer.body : std::string();
  sink_.on_refused(id, std::move(answer));
  if (!answers) co_return why;
  MCPSTATE_CO_CHECK(sink_.on_text(std::move(text), id));
  if (sink_.is_waiting(id)) co_return why;
  co_return result<void>();
}

task<void> http_transport::end_session() {
  co_await asio::this_coro::throw_if_cancelled(false);
  http::header_list headers = session_headers();
  headers.emplace_back("Accept", "application/json, text/event-stream");
  auto begun = co_await pool_.start("DELETE", std::move(headers), std::string(), http::request_kind::idempotent);
  if (!begun) co_return begun.error();
  co_return result<void>();
}

asio::awaitable<void> http_transport::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await group_.stop();
  if (!session_id_.empty()) {
    // A courtesy: whatever comes of it, we are gone. 405 is usual.
    auto goodbye = co_await aio::with_deadline(end_session(), aio::after(goodbye_limit), "the end of the session");
    static_cast<void>(goodbye.has_value());
    session_id_.clear();
  }
  pool_.close();
}

}  // namespace mcpstate::mcp
