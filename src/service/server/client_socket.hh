// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <mcpstate/aio/task.hpp>

#include "service/http/request_reader.hh"
#include "service/server/service_options.hh"

// The socket of a client: reads, writes and waits, each within a deadline.
namespace mcpstate::service {

// A connection is always in one phase, and each phase has a deadline. No connection has a timer of its own: check_deadline()
// is called several times a second and cancels the operation under way once the deadline has passed.
//
// Executor: the socket's. Lifetime: the timeouts outlive it, and it outlives its operations.
class client_socket {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  enum class phase { idle, head, body, working, waiting, writing, streaming, lingering };

  client_socket(asio::ip::tcp::socket socket, const service_timeouts& timeouts);

  [[nodiscard]] asio::any_io_executor executor() { return socket_.get_executor(); }
  [[nodiscard]] phase current_phase() const noexcept { return phase_; }
  // Whether the last read ended because its deadline had passed.
  [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }
  // When the last bytes were sent.
  [[nodiscard]] time_point last_write() const noexcept { return last_write_; }

  // Enter a phase; idle, head and body take their deadlines from the timeouts.
  void enter_idle() { enter(phase::idle, timeouts_.idle); }
  void enter_head() { enter(phase::head, timeouts_.head); }
  void enter_body(std::uint64_t content_length);
  void enter_working() { enter(phase::working, std::chrono::hours(24)); }
  // Like working, but the request is cancelled when the client disconnects.
  void enter_waiting() { enter(phase::waiting, std::chrono::hours(24)); }
  void enter_streaming() { enter(phase::streaming, std::chrono::hours(24 * 365)); }

  // Feeds the reader with the next bytes. False at the end of the stream, after a failure, past the deadline, and when the
  // caller is cancelled. stop_when_idle: also false while idle once this is true.
  asio::awaitable<bool> read(request_reader& reader, const bool& stop_when_idle);
  // Writes everything; enters the phase writing, whose deadline moves on with each byte that the client takes, as far as
  // the time for all of them. False after a failure or past the deadline. The buffers outlive the call.
  asio::awaitable<bool> write(std::string head, std::vector<asio::const_buffer> body);
  // Waits until the client closes the connection. Discards what it sends, up to a limit.
  asio::awaitable<void> wait_closed();
  // Shuts down sending and discards what still arrives for a short time: closing a socket with unread bytes would reset the
  // connection and lose the response. at_once: does not wait.
  asio::awaitable<void> linger(bool at_once);
  // Sends a comment, which readers of event streams ignore. A client that takes nothing is found out by the next frame.
  void send_heartbeat(time_point now);

  // Whether the client has closed its side.
  [[nodiscard]] bool is_client_gone();
  void check_deadline(time_point now);
  // Ends the operation under way.
  void cancel();
  void close();

 private:
  void enter(phase entered, std::chrono::milliseconds duration);
  void read_available(request_reader& reader);

  asio::ip::tcp::socket socket_;
  const service_timeouts& timeouts_;
  phase phase_ = phase::idle;
  time_point deadline_, last_write_;
  bool timed_out_ = false;
  std::array<char, 1024> buffer_;  // most requests fit
};

}  // namespace mcpstate::service
