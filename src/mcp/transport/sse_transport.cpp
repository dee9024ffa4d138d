// SPDX-License-Identifier: MIT
#include "mcp/transport/sse_transport.hh"

#include <mcpstate/aio/deadline.hpp>

#include <utility>

#include "http/same_origin.hh"
#include "mcp/protocol/revisions.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t refusal_bytes = 64 * 1024;
constexpr auto place_limit = 5s;

}  // namespace

sse_transport::sse_transport(asio::any_io_executor executor, message_sink& sink, http_target where,
                             transport_options options)
    : sink_(sink),
      max_message_(options.max_message_bytes),
      pool_(executor, pool_of(std::move(where), std::move(options))),
      group_(executor) {}

task<void> sse_transport::open() {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_CHECK(pool_.prepare());
  http::header_list headers;
  headers.emplace_back("Accept", "text/event-stream");
  auto opened = co_await pool_.start("GET", std::move(headers), std::string(), http::request_kind::stream);
  if (!opened) co_return opened.error();
  if (!http::is_success(opened->head) || http::media_type(opened->head.content_type) != "text/event-stream") {
    auto body = co_await http::read_all(*opened->connection, refusal_bytes, true);
    http::answer answer = http::to_answer(opened->head, body ? std::move(*body) : std::string());
    const error why = explain_answer(answer);
    sink_.on_refused(0, std::move(answer));
    co_return why;
  }
  group_.spawn("mcp event stream", read(std::move(*opened)));
  co_await placed_.wait(aio::after(place_limit));
  if (has_place_) co_return result<void>();
  if (broken_) co_return *broken_;
  co_return error(errc::protocol, "the server's event stream does not begin with an endpoint event");
}

result<void> sse_transport::aim(const std::string& reference) {
  auto there = http::resolve_same_origin(pool_.url(), reference);
  if (!there && there.error().code() == errc::forbidden_target) {
    return error(errc::forbidden_target, "the server's endpoint event names another server; that is not followed",
                 there.error().peer_text());
  }
  if (!there) return error(errc::protocol, "the server's endpoint event names no usable URL");
  pool_.set_target(std::move(there->target));
  has_place_ = true;
  return result<void>();
}

result<void> sse_transport::take(std::vector<http::sse_event> events) {
  for (http::sse_event& event : events) {
    if (event.name == "endpoint" && !has_place_) {
      const auto aimed = aim(event.data);
      if (!aimed) return aimed;
      placed_.open();
    } else if (event.is_message() && has_place_) {
      const auto taken = sink_.on_text(std::move(event.data), 0);
      if (!taken) return taken;
    }
  }
  return result<void>();
}

asio::awaitable<void> sse_transport::read(http::exchange on) {
  co_await asio::this_coro::throw_if_cancelled(false);
  http::sse_parser parser(max_message_);
  while (!broken_) {
    auto part = co_await on.connection->read_body();
    if (!part) broken_ = part.error();
    if (part && part->empty()) broken_ = error(errc::connection_lost, "the server ended its event stream");
    if (broken_) break;
    auto events = parser.feed(*part);
    if (!events) {
      broken_ = events.error();
      break;
    }
    const auto taken = take(std::move(*events));
    if (!taken) broken_ = taken.error();
  }
  const bool was_open = has_place_;
  placed_.open();
  if (was_open && !closing_) sink_.on_lost(*broken_);
}

void sse_transport::on_negotiated(const std::string& version) {
  if (version >= "2025-06-18") version_ = version;
}

task<void> sse_transport::send(outgoing what) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (broken_) co_return *broken_;
  http::header_list headers;
  headers.emplace_back("Accept", "application/json, text/event-stream");
  headers.emplace_back("Content-Type", "application/json");
  if (!version_.empty()) headers.emplace_back("MCP-Protocol-Version", version_);
  const auto kind =
      what.method.empty() || is_repeatable(what.method) ? http::request_kind::idempotent : http::request_kind::at_most_once;
  auto sent = co_await pool_.start("POST", std::move(headers), std::move(what.text), kind);
  if (!sent) co_return sent.error();
  if (http::is_success(sent->head)) co_return co_await pool_.drain(std::move(*sent));
  auto body = co_await http::read_all(*sent->connection, refusal_bytes, true);
  http::answer answer = http::to_answer(sent->head, body ? std::move(*body) : std::string());
  const error why = explain_answer(answer);
  sink_.on_refused(what.id, std::move(answer));
  co_return why;
}

asio::awaitable<void> sse_transport::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  closing_ = true;
  co_await group_.stop();
  pool_.close();
}

}  // namespace mcpstate::mcp
