// SPDX-License-Identifier: MIT
#include "service/server/client_connection.hh"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <mcpstate/aio/race.hpp>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "aio/executor_check.hh"
#include "core/bug.hh"
#include "core/text/hex.hh"
#include "service/gate/header_fields.hh"
#include "service/http/response_head.hh"
#include "service/routes/dispatch.hh"
#include "service/server/access_log.hh"
#include "service/server/decision_response.hh"

namespace mcpstate::service {

namespace {

using stage = request_reader::stage;
using phase = client_socket::phase;

constexpr int answered_per_turn = 8;

// An exception of a handler is a bug. It ends that request only. What it says is for the log: it may hold a peer's words.
response_task dispatch_safely(request_context& context) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string bug;
  try {
    co_return co_await dispatch(context);
  } catch (...) {
    bug = caught_text();
  }
  context.process.log.error("a request failed", {{"request", context.request_id}, {"why", bug}});
  co_return context.failure(problem_kind::internal, "a bug of ours; the log has it under the id of this request");
}

}  // namespace

std::string connection_context::next_request_id() {
  static const auto start = static_cast<std::uint64_t>(wall_clock().now().time_since_epoch().count());
  const std::uint64_t number = (start << 20U) + ++requests_;
  std::string out;
  for (unsigned shift = 64; shift > 0; shift -= 8)
    append_hex(out, static_cast<unsigned char>(number >> (shift - 8) & 0xFFU));
  return out;
}

client_connection::client_connection(asio::ip::tcp::socket socket, connection_context& shared)
    : socket_(std::move(socket), shared.options.timeouts), shared_(shared), reader_(shared.options.head_bytes) {}

asio::awaitable<void> client_connection::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  aio::assert_on_executor(socket_.executor());
  bool keep_alive = true;
  for (int served = 1; keep_alive; ++served) {
    keep_alive = co_await serve_request();
    // Requests that came together may be answered without waiting for anything: others have a turn in between.
    if (served % answered_per_turn == 0 && reader_.has_more()) co_await asio::post(socket_.executor(), asio::use_awaitable);
  }
  socket_.close();
}

// Serves one request. False: the connection is to be closed.
asio::awaitable<bool> client_connection::serve_request() {
  const bool has_head = co_await read_head();
  if (!has_head) {
    co_await respond_to_broken();
    co_return false;
  }
  begin_request();
  const auto keys = shared_.process.keys();
  auto decided = shared_.authorizer.authorize(reader_.request(), *keys, wall_clock().now(), received_at_);
  if (auto* authorized = std::get_if<authorized_request>(&decided)) {
    cors_origin_ = std::move(authorized->cors_origin);
    co_return co_await serve_authorized(std::move(*authorized));
  }
  auto response = response_of(decided);
  co_return co_await respond_at_once(std::move(response));
}

// The response to a request that no handler sees.
http_response client_connection::response_of(decision& decided) {
  if (auto* rejected = std::get_if<rejection>(&decided)) {
    cors_origin_ = std::move(rejected->cors_origin);
    pattern_ = rejected->pattern;
    if (rejected->reason.kind == problem_kind::too_many_requests) shared_.process.metrics.count_rate_limited();
    return rejection_response(*rejected, request_id_);
  }
  const auto& asked_options = std::get<options_request>(decided);
  cors_origin_ = asked_options.cors_origin;
  return options_response(asked_options);
}

// Responds without reading the body. An unread body stands between this request and the next, so the connection is closed.
asio::awaitable<bool> client_connection::respond_at_once(http_response response) {
  const bool has_body = reader_.request().has_body;
  const bool keep_alive = reader_.request().keep_alive && !has_body;
  if (!has_body) {
    reader_.read_body(0);
    static_cast<void>(reader_.take());
  }
  const bool sent = co_await send(std::move(response), keep_alive);
  if (sent && has_body) co_await socket_.linger(shared_.draining);
  co_return sent&& keep_alive;
}

asio::awaitable<bool> client_connection::serve_authorized(authorized_request authorized) {
  const std::string account = authorized.owner ? authorized.owner->text() : std::string();
  body_room_ = shared_.process.request_bodies.open(account);
  const bool received = co_await receive_body(authorized.body_limit);
  if (!received) co_return false;
  pattern_ = authorized.route->pattern;
  owner_ = authorized.owner;
  server_ = authorized.server;
  stream_reader_ = authorized.sender;
  token_revoked_ = false;
  const bool wants_more = reader_.request().keep_alive;
  auto response = co_await handle(std::move(authorized));
  body_room_.release();
  if (const auto refused = hold_answer(account, response)) response = problem_response(*refused, request_id_);
  const auto events = response.event_stream;
  const bool keep_alive = wants_more && !shared_.draining && !events;
  const bool sent = co_await send(std::move(response), keep_alive);
  if (sent && events) co_await stream(events, account);
  answer_room_.release();
  co_return sent&& keep_alive;
}

// Counts what the response has made for itself (what it shares is counted already). Where there is no room a read is refused,
// and the result of a tool, which can be of any size. What else was asked for has happened, and its outcome is told.
std::optional<problem> client_connection::hold_answer(const std::string& account, const http_response& response) {
  const std::size_t bytes = response.body.size();
  answer_room_ = shared_.process.answers.open(account);
  if (bytes <= small_answer_bytes || answer_room_.resize(bytes)) return std::nullopt;
  if (method_ == http_method::get || method_ == http_method::head) return no_room(shared_.process.answers, bytes);
  if (!response.unless_room.empty()) return problem(problem_kind::busy, response.unless_room);
  answer_room_.force(bytes);
  return std::nullopt;
}

// Receives the body, after inviting a client that waits for that (Expect: 100-continue). False: the connection is to be
// closed.
asio::awaitable<bool> client_connection::receive_body(std::size_t limit) {
  const auto& request = reader_.request();
  if (request.expect && request.version >= 11 && request.has_body && !reader_.has_more()) {
    std::string invitation = "HTTP/1.1 100 Continue\r\n\r\n";
    std::vector<asio::const_buffer> no_body;
    const bool invited = co_await socket_.write(std::move(invitation), std::move(no_body));
    if (!invited) co_return false;
  }
  reader_.read_body(limit);
  const bool complete = co_await read_body();
  if (!complete) co_await respond_to_broken();
  co_return complete;
}

asio::awaitable<bool> client_connection::read_head() {
  if (reader_.current_stage() == stage::idle && socket_.current_phase() != phase::idle) socket_.enter_idle();
  for (;;) {
    if (reader_.current_stage() == stage::headed) co_return true;
    if (reader_.current_stage() == stage::broken) co_return false;
    if (reader_.current_stage() == stage::head && socket_.current_phase() != phase::head) socket_.enter_head();
    const bool received = co_await socket_.read(reader_, shared_.draining);
    if (!received) co_return false;
  }
}

asio::awaitable<bool> client_connection::read_body() {
  if (reader_.current_stage() == stage::body) socket_.enter_body(reader_.request().content_length.value_or(0));
  for (;;) {
    if (reader_.current_stage() == stage::broken) co_return false;
    // What has arrived counts, whatever length was announced: a head alone takes no room from others.
    body_refused_ = !body_room_.resize(reader_.received());
    if (body_refused_) co_return false;
    if (reader_.current_stage() == stage::done) co_return true;
    const bool received = co_await socket_.read(reader_, shared_.draining);
    if (!received) co_return false;
  }
}

// After read_head() or read_body() has failed: tells the client why, if it can still be told.
asio::awaitable<void> client_connection::respond_to_broken() {
  std::optional<problem> reason;
  const auto failed_phase = socket_.current_phase();
  if (body_refused_) {
    reason.emplace(problem_kind::busy, "too many large requests are under way; try again");
  } else if (reader_.current_stage() == stage::broken) {
    reason = reader_.fault();
  } else if (socket_.timed_out() && (failed_phase == phase::head || failed_phase == phase::body)) {
    reason.emplace(problem_kind::request_timeout, "the request did not come in time");
  }
  if (!reason) co_return;
  if (failed_phase != phase::body && !body_refused_) begin_request();
  auto response = problem_response(*reason, request_id_);
  const bool sent = co_await send(std::move(response), false);
  if (sent) co_await socket_.linger(shared_.draining);
}

asio::awaitable<http_response> client_connection::handle(authorized_request authorized) {
  if (shared_.shards.empty()) co_return respond_without_shard(shared_.process, authorized, request_id_);
  auto& owner_shard = shared_.shards.select(authorized.owner);
  request_context context(shared_.process, owner_shard, std::move(authorized), reader_.take(), request_id_);
  if (!context.authorized.route->waits) {
    socket_.enter_working();
    co_return co_await dispatch_safely(context);
  }
  // tick() and drain() cancel the handler alone, so that the request can still be answered.
  socket_.enter_waiting();
  auto completion = asio::bind_cancellation_slot(stop_handler_.slot(), asio::use_awaitable);
  auto handling = asio::co_spawn(socket_.executor(), dispatch_safely(context), std::move(completion));
  co_return co_await std::move(handling);
}

asio::awaitable<bool> client_connection::send(http_response response, bool keep_alive) {
  record(response);
  head_options options;
  options.keep_alive = keep_alive;
  options.http_1_0 = version_ < 11;
  options.request_id = request_id_;
  options.cors_origin = cors_origin_;
  std::string head = response_head(response, options);
  const bool bodiless =
      method_ == http_method::head || response.status == 304 || response.status == 204 || response.event_stream != nullptr;
  std::vector<asio::const_buffer> body;
  if (!bodiless) {
    for (const std::string_view piece : response.pieces()) body.push_back(asio::buffer(piece));
  }
  co_return co_await socket_.write(std::move(head), std::move(body));
}

asio::awaitable<void> client_connection::stream(std::shared_ptr<subscription> events, std::string account) {
  streaming_ = true;
  auto either = aio::race(write_frames(std::move(events), std::move(account)), socket_.wait_closed());
  co_await std::move(either);
}

asio::awaitable<void> client_connection::write_frames(std::shared_ptr<subscription> events, std::string account) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    socket_.enter_streaming();
    const auto text = co_await events->next();
    if (!text) co_return;
    // Whoever reads nothing of large snapshots loses the stream, and begins anew.
    const bool large = (*text)->size() > small_answer_bytes;
    const frame_rooms::room room = large ? shared_.rooms.take(account, *text) : nullptr;
    if (large && !room) co_return;
    std::vector<asio::const_buffer> body(1, asio::buffer(**text));
    std::string no_head;
    const bool written = co_await socket_.write(std::move(no_head), std::move(body));
    if (!written) co_return;
  }
}

void client_connection::begin_request() {
  const auto& request = reader_.request();
  received_at_ = std::chrono::steady_clock::now();
  version_ = request.version;
  method_ = request.method;
  pattern_ = "none";
  cors_origin_.clear();
  owner_.reset();
  server_.reset();
  request_id_ = request.request_id && is_request_id(*request.request_id) ? *request.request_id : shared_.next_request_id();
}

void client_connection::record(const http_response& response) {
  access_record out;
  out.method = method_;
  out.pattern = pattern_;
  out.status = response.status;
  out.duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - received_at_);
  out.request_id = request_id_;
  out.owner = owner_ ? &*owner_ : nullptr;
  out.server = server_ ? &*server_ : nullptr;
  out.cause = response.cause;
  shared_.process.metrics.record_request(out.pattern, name_of(out.method), out.status, out.duration);
  log_access(shared_.process.log, out);
}

// Whether a stream outlives the token it was opened with.
bool client_connection::is_token_over() const {
  const auto& expires_at = stream_reader_.expires_at;
  return token_revoked_ || (expires_at && wall_clock().now() >= *expires_at);
}

void client_connection::tick(time_point now) {
  // Also while a frame is being written: a slow reader of steady frames is hardly ever seen between two of them.
  if (streaming_ && is_token_over()) return socket_.cancel();
  switch (socket_.current_phase()) {
    case phase::waiting:
      if (socket_.is_client_gone()) stop_handler_.emit(asio::cancellation_type::terminal);
      return;
    case phase::streaming:
      if (now - socket_.last_write() >= shared_.options.timeouts.heartbeat) socket_.send_heartbeat(now);
      return;
    case phase::working:
      return;
    default:
      socket_.check_deadline(now);
  }
}

// The next tick ends the stream. At this moment the stream may be about to send.
void client_connection::recheck_token(const access_keys& keys) { token_revoked_ = !keys.has(stream_reader_); }

void client_connection::drain() {
  const auto current = socket_.current_phase();
  if (current == phase::waiting) stop_handler_.emit(asio::cancellation_type::terminal);
  if (current == phase::idle || current == phase::lingering) socket_.cancel();
}

}  // namespace mcpstate::service
