// SPDX-License-Identifier: MIT
// How a connection reads, writes and waits.
#include <poll.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <span>

#include "service/server/session.hh"

namespace mcpstate::service {

namespace {

using error_code = boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::size_t large_read = 64 * 1024;
constexpr std::size_t most_discarded = 32 * 1024 * 1024;
constexpr auto linger_time = 2s;

bool would_block(const error_code& ec) { return ec == asio::error::would_block || ec == asio::error::try_again; }

// What a slow but honest client may need beyond the time for small things.
std::chrono::milliseconds extra_for(std::uint64_t bytes, const service_timeouts& t) {
  return t.per_64_kib * static_cast<std::int64_t>(bytes / (64 * 1024));
}

}  // namespace

void http_session::enter(phase what, std::chrono::milliseconds most) {
  phase_ = what;
  timed_out_ = false;
  deadline_ = std::chrono::steady_clock::now() + most;
}

asio::awaitable<bool> http_session::read_head() {
  using stage = request_reader::stage;
  if (reader_.at() == stage::idle && phase_ != phase::idle) enter(phase::idle, world_.options.timeouts.idle);
  for (;;) {
    if (reader_.at() == stage::headed) co_return true;
    if (reader_.at() == stage::broken) co_return false;
    if (reader_.at() == stage::head && phase_ != phase::head) enter(phase::head, world_.options.timeouts.head);
    const bool more = co_await read_more();
    if (!more) co_return false;
  }
}

asio::awaitable<bool> http_session::read_body() {
  using stage = request_reader::stage;
  if (reader_.at() == stage::body) {
    const auto length = reader_.request().content_length.value_or(0);
    enter(phase::body, world_.options.timeouts.body + extra_for(length, world_.options.timeouts));
  }
  for (;;) {
    if (reader_.at() == stage::done) co_return true;
    if (reader_.at() == stage::broken) co_return false;
    const bool more = co_await read_more();
    if (!more) co_return false;
  }
}

// False: the end, one way or another.
asio::awaitable<bool> http_session::read_more() {
  for (;;) {
    timed_out_ = std::chrono::steady_clock::now() >= deadline_;
    if (timed_out_ || (world_.draining && phase_ == phase::idle)) co_return false;
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) co_return false;
    auto [ec, got] = co_await socket_.async_read_some(asio::buffer(small_), aio::use_ec);
    if (got > 0) reader_.feed(std::string_view(small_.data(), got));
    if (got == small_.size()) read_the_rest();
    if (got > 0) co_return true;
    // Why it was cancelled is asked for above.
    if (ec != asio::error::operation_aborted) co_return false;
  }
}

// What is there already, out of a buffer that all connections of a thread share. Not a coroutine: the buffer must not be
// held across one.
void http_session::read_the_rest() {
  static thread_local const auto buffer = std::make_unique<std::array<char, large_read>>();
  error_code ec;
  const auto got = socket_.read_some(asio::buffer(*buffer), ec);
  if (got > 0) reader_.feed(std::string_view(buffer->data(), got));
}

asio::awaitable<bool> http_session::write(std::string head, std::vector<asio::const_buffer> body) {
  std::vector<asio::const_buffer> parts;
  parts.reserve(body.size() + 1);
  parts.push_back(asio::buffer(head));
  parts.insert(parts.end(), body.begin(), body.end());
  enter(phase::writing, world_.options.timeouts.write + extra_for(asio::buffer_size(parts), world_.options.timeouts));
  std::span<asio::const_buffer> left(parts);
  while (!left.empty()) {
    error_code ec;
    auto sent = socket_.write_some(left, ec);
    while (!left.empty() && sent >= left.front().size()) {
      sent -= left.front().size();
      left = left.subspan(1);
    }
    if (!left.empty()) left.front() += sent;
    if (!ec) continue;
    if (!would_block(ec) || std::chrono::steady_clock::now() >= deadline_) co_return false;
    auto [failed] = co_await socket_.async_wait(asio::ip::tcp::socket::wait_write, aio::use_ec);
    if (failed) co_return false;
  }
  last_write_ = std::chrono::steady_clock::now();
  co_return true;
}

asio::awaitable<void> http_session::stream(std::shared_ptr<subscriber> from) {
  using namespace asio::experimental::awaitable_operators;
  auto both = write_frames(from) || until_closed();
  co_await std::move(both);
}

asio::awaitable<void> http_session::write_frames(std::shared_ptr<subscriber> from) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    enter(phase::streaming, std::chrono::hours(24 * 365));
    const auto text = co_await from->next();
    if (!text) co_return;
    std::vector<asio::const_buffer> bytes(1, asio::buffer(**text));
    std::string nothing_before;
    const bool written = co_await write(std::move(nothing_before), std::move(bytes));
    if (!written) co_return;
  }
}

// Of a stream: whatever a client sends then means nothing, but that it goes does.
asio::awaitable<void> http_session::until_closed() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (std::size_t total = 0; total < most_discarded;) {
    auto [ec, got] = co_await socket_.async_read_some(asio::buffer(small_), aio::use_ec);
    if (ec) co_return;
    total += got;
  }
}

// The answer must arrive before the connection is torn down over bytes that nobody read.
asio::awaitable<void> http_session::linger() {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  enter(phase::lingering, linger_time);
  if (world_.draining) co_return;
  for (std::size_t total = 0; total < most_discarded;) {
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled || std::chrono::steady_clock::now() >= deadline_) co_return;
    auto [ec, got] = co_await socket_.async_read_some(asio::buffer(small_), aio::use_ec);
    if (ec) co_return;
    total += got;
  }
}

bool http_session::client_is_gone() {
  pollfd asked{};
  asked.fd = socket_.native_handle();
  asked.events = POLLRDHUP;
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void http_session::tick(time_point now) {
  error_code ec;
  switch (phase_) {
    case phase::waiting:
      if (client_is_gone()) stop_work_.emit(asio::cancellation_type::terminal);
      return;
    case phase::streaming:
      if (revoked_ || (streams_to_.expires_at && wall_clock().now() >= *streams_to_.expires_at)) {
        socket_.cancel(ec);
        return;
      }
      if (now - last_write_ >= world_.options.timeouts.heartbeat) send_heartbeat(now);
      return;
    case phase::working:
      return;
    default:
      if (now >= deadline_) socket_.cancel(ec);
  }
}

// The next tick ends it: at this moment it may be about to send.
void http_session::recheck(const access_keys& keys) { revoked_ = !keys.has(streams_to_); }

// A comment, which readers of event streams pass over. A client that takes nothing more is no longer quiet, but slow: what
// is next for it will notice.
void http_session::send_heartbeat(time_point now) {
  constexpr std::string_view comment = ":\n\n";
  error_code ec;
  const auto sent = socket_.write_some(asio::buffer(comment), ec);
  last_write_ = now;
  const bool broken = (ec && !would_block(ec)) || (sent > 0 && sent < comment.size());
  if (broken) socket_.cancel(ec);
}

void http_session::drain() {
  error_code ec;
  if (phase_ == phase::waiting) stop_work_.emit(asio::cancellation_type::terminal);
  if (phase_ == phase::idle || phase_ == phase::lingering) socket_.cancel(ec);
}

}  // namespace mcpstate::service
