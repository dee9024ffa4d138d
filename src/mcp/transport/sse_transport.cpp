// SPDX-License-Identifier: MIT
#include "mcp/transport/sse_transport.hh"

#include <mcpstate/aio/deadline.hpp>

#include <utility>

#include "core/bug.hh"
#include "http/same_origin.hh"
#include "mcp/protocol/revisions.hh"
#include "mcp/transport/message_room.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_refusal_bytes = 64 * 1024;
constexpr auto endpoint_limit = 5s;

}  // namespace

sse_transport::sse_transport(asio::any_io_executor executor, message_sink& sink, http_target server,
                             transport_options options)
    : sink_(sink),
      max_message_(options.max_message_bytes),
      message_budget_(options.message_budget),
      message_owner_(options.message_owner),
      pool_(executor, pool_of(std::move(server), std::move(options))),
      group_(executor, [this](const std::string&, const std::string& what) { end(bug_error("the session", what)); }) {}

task<void> sse_transport::open() {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_CHECK(pool_.prepare());
  http::header_list headers;
  headers.emplace_back("Accept", "text/event-stream");
  MCPSTATE_CO_TRY(opened, co_await pool_.start("GET", std::move(headers), std::string(), http::request_kind::stream));
  if (!http::is_success(opened.head) || http::media_type(opened.head.content_type) != "text/event-stream") {
    auto body = co_await http::read_all(*opened.connection, max_refusal_bytes, true);
    http::answer answer = http::to_answer(opened.head, body ? std::move(*body) : std::string());
    const error reason = explain_answer(answer, wall_clock().now());
    sink_.on_refused(0, std::move(answer));
    co_return reason;
  }
  group_.spawn("mcp event stream", read(std::move(opened)));
  co_await endpoint_decided_.wait(aio::after(endpoint_limit));
  if (has_endpoint_) co_return result<void>();
  if (failure_) co_return *failure_;
  co_return error(errc::protocol, "the server's event stream does not begin with an endpoint event");
}

result<void> sse_transport::set_endpoint(const std::string& reference) {
  auto url = http::resolve_same_origin(pool_.url(), reference);
  if (!url && url.error().code() == errc::forbidden_target) {
    return error(errc::forbidden_target, "the server's endpoint event names another server; that is not followed",
                 url.error().peer_text());
  }
  if (!url) return error(errc::protocol, "the server's endpoint event names no usable URL");
  pool_.set_target(std::move(url->target));
  has_endpoint_ = true;
  return result<void>();
}

result<void> sse_transport::take(http::sse_event event) {
  if (event.name == "endpoint" && !has_endpoint_) {
    const auto set = set_endpoint(event.data);
    if (!set) return set;
    endpoint_decided_.open();
  } else if (event.is_message() && has_endpoint_) {
    return sink_.on_text(std::move(event.data), 0);
  }
  return result<void>();
}

asio::awaitable<void> sse_transport::read(http::exchange exchange) {
  co_await asio::this_coro::throw_if_cancelled(false);
  http::sse_parser parser(max_message_);
  message_room room(message_budget_, message_owner_);
  const auto give = [this](http::sse_event event) { return take(std::move(event)); };
  for (;;) {
    auto part = co_await exchange.connection->read_body();
    if (!part) co_return end(part.error());
    if (part->empty()) co_return end(error(errc::connection_lost, "the server ended its event stream"));
    const auto taken = parser.feed(*part, give);
    if (!taken) co_return end(taken.error());
    const auto held = room.resize(parser.held_bytes());
    if (!held) co_return end(held.error());
  }
}

void sse_transport::end(const error& reason) {
  failure_ = reason;
  const bool was_open = has_endpoint_;
  endpoint_decided_.open();
  if (was_open && !closing_) sink_.on_lost(reason);
}

void sse_transport::on_negotiated(const std::string& version) {
  if (version >= "2025-06-18") version_ = version;
}

task<void> sse_transport::send(outgoing request) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (failure_) co_return *failure_;
  http::header_list headers;
  headers.emplace_back("Accept", "application/json, text/event-stream");
  headers.emplace_back("Content-Type", "application/json");
  if (!version_.empty()) headers.emplace_back("MCP-Protocol-Version", version_);
  const auto kind = request.method.empty() || is_repeatable(request.method) ? http::request_kind::idempotent
                                                                            : http::request_kind::at_most_once;
  MCPSTATE_CO_TRY(sent, co_await pool_.start("POST", std::move(headers), std::move(request.text), kind));
  if (http::is_success(sent.head)) co_return co_await pool_.drain(std::move(sent));
  auto body = co_await http::read_all(*sent.connection, max_refusal_bytes, true);
  http::answer answer = http::to_answer(sent.head, body ? std::move(*body) : std::string());
  const error reason = explain_answer(answer, wall_clock().now());
  sink_.on_refused(request.id, std::move(answer));
  co_return reason;
}

asio::awaitable<void> sse_transport::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  closing_ = true;
  co_await group_.stop();
  pool_.close();
}

}  // namespace mcpstate::mcp
