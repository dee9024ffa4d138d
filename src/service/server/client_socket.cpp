// SPDX-License-Identifier: MIT
#include "service/server/client_socket.hh"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <mcpstate/aio/deadline.hpp>

namespace mcpstate::service {

namespace {

using error_code = boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::size_t large_read = 64 * 1024;
constexpr std::size_t max_discarded = 32 * 1024 * 1024;  // bytes
constexpr auto linger_time = 2s;

bool would_block(const error_code& ec) { return ec == asio::error::would_block || ec == asio::error::try_again; }

// The additional time for large bodies, which a slow but honest client needs.
std::chrono::milliseconds extra_time(std::uint64_t bytes, const service_timeouts& timeouts) {
  return timeouts.per_64_kib * static_cast<std::int64_t>(bytes / (64 * 1024));
}

// Removes the first bytes from a list of buffers.
void consume(std::span<asio::const_buffer>& buffers, std::size_t bytes) {
  while (!buffers.empty() && bytes >= buffers.front().size()) {
    bytes -= buffers.front().size();
    buffers = buffers.subspan(1);
  }
  if (!buffers.empty()) buffers.front() += bytes;
}

}  // namespace

client_socket::client_socket(asio::ip::tcp::socket socket, const service_timeouts& timeouts)
    : socket_(std::move(socket)), timeouts_(timeouts) {
  error_code ec;
  socket_.non_blocking(true, ec);
  socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  enter(phase::idle, timeouts_.head);  // the first head is due from the beginning of the connection
}

void client_socket::enter(phase entered, std::chrono::milliseconds duration) {
  phase_ = entered;
  timed_out_ = false;
  deadline_ = std::chrono::steady_clock::now() + duration;
}

void client_socket::enter_body(std::uint64_t content_length) {
  enter(phase::body, timeouts_.body + extra_time(content_length, timeouts_));
}

asio::awaitable<bool> client_socket::read(request_reader& reader, const bool& stop_when_idle) {
  for (;;) {
    timed_out_ = std::chrono::steady_clock::now() >= deadline_;
    if (timed_out_ || (stop_when_idle && phase_ == phase::idle)) co_return false;
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) co_return false;
    auto [ec, size] = co_await socket_.async_read_some(asio::buffer(buffer_), aio::use_ec);
    if (size > 0) reader.feed(std::string_view(buffer_.data(), size));
    if (size == buffer_.size()) read_available(reader);
    if (size > 0) co_return true;
    // The next turn of the loop finds out why the operation was cancelled.
    if (ec != asio::error::operation_aborted) co_return false;
  }
}

// Reads what has arrived already, into a buffer that all connections of a thread share. This is no coroutine, because the
// buffer must not be in use across a suspension.
void client_socket::read_available(request_reader& reader) {
  static thread_local const auto large_buffer = std::make_unique<std::array<char, large_read>>();
  error_code ec;
  const auto size = socket_.read_some(asio::buffer(*large_buffer), ec);
  if (size > 0) reader.feed(std::string_view(large_buffer->data(), size));
}

asio::awaitable<bool> client_socket::write(std::string head, std::vector<asio::const_buffer> body) {
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(body.size() + 1);
  buffers.push_back(asio::buffer(head));
  buffers.insert(buffers.end(), body.begin(), body.end());
  enter(phase::writing, timeouts_.write);
  const time_point last_deadline = deadline_ + extra_time(asio::buffer_size(buffers), timeouts_);
  std::span<asio::const_buffer> unsent(buffers);
  while (!unsent.empty()) {
    error_code ec;
    consume(unsent, socket_.write_some(unsent, ec));
    if (!ec) {
      deadline_ = std::min(std::chrono::steady_clock::now() + timeouts_.write, last_deadline);
      continue;
    }
    if (!would_block(ec) || std::chrono::steady_clock::now() >= deadline_) co_return false;
    auto [failed] = co_await socket_.async_wait(asio::ip::tcp::socket::wait_write, aio::use_ec);
    if (failed) co_return false;
  }
  last_write_ = std::chrono::steady_clock::now();
  co_return true;
}

asio::awaitable<void> client_socket::wait_closed() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (std::size_t total = 0; total < max_discarded;) {
    auto [ec, size] = co_await socket_.async_read_some(asio::buffer(buffer_), aio::use_ec);
    if (ec) co_return;
    total += size;
  }
}

asio::awaitable<void> client_socket::linger(bool at_once) {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  enter(phase::lingering, linger_time);
  if (at_once) co_return;
  for (std::size_t total = 0; total < max_discarded;) {
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled || std::chrono::steady_clock::now() >= deadline_) co_return;
    auto [ec, size] = co_await socket_.async_read_some(asio::buffer(buffer_), aio::use_ec);
    if (ec) co_return;
    total += size;
  }
}

void client_socket::send_heartbeat(time_point now) {
  constexpr std::string_view comment = ":\n\n";
  error_code ec;
  const auto sent = socket_.write_some(asio::buffer(comment), ec);
  last_write_ = now;
  const bool broken = (ec && !would_block(ec)) || (sent > 0 && sent < comment.size());
  if (broken) cancel();
}

bool client_socket::is_client_gone() {
  pollfd polled{};
  polled.fd = socket_.native_handle();
  polled.events = POLLRDHUP;
  return ::poll(&polled, 1, 0) > 0 && (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void client_socket::check_deadline(time_point now) {
  if (now >= deadline_) cancel();
}

void client_socket::cancel() {
  error_code ec;
  socket_.cancel(ec);
}

void client_socket::close() {
  error_code ec;
  socket_.close(ec);
}

}  // namespace mcpstate::service
