// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <mcpstate/aio/task.hpp>
#include <mcpstate/core/byte_budget.hpp>
#include <mcpstate/http/egress.hpp>

#include "mcp/protocol/http_rules.hh"
#include "mcp/protocol/outgoing.hh"

// How the messages of one session travel. A transport moves JSON texts. It knows nothing of their meaning but which text
// answers which request: where an answer comes on the request's own stream, it must know when to stop reading.
namespace mcpstate::mcp {

// What a transport takes from the options of its client (client_options.hpp says what each means).
struct transport_options {
  transport_options() {}
  std::chrono::milliseconds stop_timeout{0};
  std::size_t max_message_bytes = 0;
  std::shared_ptr<byte_budget> message_budget;
  std::string message_owner;
  std::string ca_file, user_agent;
  egress_policy egress = egress_policy::open();
};

// Receives what arrives. Called on the transport's executor, also while a send() is under way.
class message_sink {
 public:
  // One JSON text. on_request: the number of the request whose own answer holds it; 0: none. Answers an error if the text
  // cannot be understood; the transport decides what that means for the connection.
  virtual result<void> on_text(std::string text, std::uint64_t on_request) = 0;
  // HTTP: the request was answered with a status that is no success, or with something that is not MCP. Comes before the
  // error that send() answers, or before the JSON-RPC error in its body.
  virtual void on_refused(std::uint64_t request, http::answer answer) = 0;
  // The server no longer knows the session; comes before the error that send() answers. Nothing was done about the request.
  virtual void on_session_over(std::uint64_t request) = 0;
  // A message was thrown away because there was no room for it. It may have been the answer to any request that waits.
  virtual void on_no_room(const error& reason) = 0;
  // The peer did something wrong but harmless. text: words of ours; peer: its own.
  virtual void on_oddity(const std::string& text, const std::string& peer) = 0;
  // The stream of announcements has ended, in whatever way. It is opened again; on_gap() follows.
  virtual void on_stream_ended() = 0;
  // The stream of announcements is open again after a break: some may be lost.
  virtual void on_gap() = 0;
  // The peer is gone: nothing will arrive any more. Called at most once.
  virtual void on_lost(error reason) = 0;
  // Whether this request still waits for its answer.
  [[nodiscard]] virtual bool is_waiting(std::uint64_t id) const = 0;

 protected:
  ~message_sink() = default;
};

// Executor: all members on the one it was made with. Lifetime: await close() before destroying; the sink outlives it.
// Cancellation: open and send may be cancelled; the peer may then have got the message or not.
class transport {
 public:
  virtual ~transport() = default;
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;  // "http", "sse", "stdio"
  // Makes it ready to send.
  virtual task<void> open() = 0;
  // Sends one message. When it returns without error the message is under way, and its answer has been given to the sink
  // or will be; with an error, no answer comes.
  virtual task<void> send(outgoing text) = 0;
  // Whether requests name a session that the server has given.
  [[nodiscard]] virtual bool has_session() const noexcept { return false; }
  // The server has told in an answer that it does not know the session any more.
  virtual void forget_session() {}
  // The handshake of the legacy era agreed on a version.
  virtual void on_negotiated(const std::string& version) = 0;
  // Legacy era: opens the stream on which the server may speak first. Returns when it is open; with an error when the server
  // does not offer it or is slow to open it. Where it is offered, it is opened again from then on whenever it ends.
  virtual task<void> follow() = 0;
  // What the server said beside the protocol (the end of its standard error), to explain a failure. Often empty.
  [[nodiscard]] virtual std::string diagnostics() const = 0;
  // Whether the peer has read everything that was sent. A program that has not is still starting, or stuck.
  [[nodiscard]] virtual bool has_peer_read() { return true; }
  // Ends the session and waits until nothing is left of it. Not cancellable.
  virtual asio::awaitable<void> close() = 0;

 protected:
  transport() = default;
};

}  // namespace mcpstate::mcp
