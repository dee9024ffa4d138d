// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include <mcpstate/aio/task.hpp>

#include "mcp/session_fsm.hh"

// How the messages of one session travel. A transport moves JSON texts and knows nothing of what they mean, except which
// text answers which request (a transport where an answer comes back on the request's own stream must know when to stop
// reading).
namespace mcpstate::mcp {

// Who gets what arrives. Called on the transport's executor, also while a send() is under way.
class message_sink {
 public:
  // One JSON text. An error if it cannot be understood; what that means for the connection is the transport's matter.
  virtual result<void> on_text(std::string text) = 0;
  // The peer is gone: nothing will arrive any more. Called at most once.
  virtual void on_lost(error why) = 0;
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

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;  // "http", "stdio"
  // Makes it ready to send.
  virtual task<void> open() = 0;
  // Sends one message. When it returns without error the message is under way, and its answer has been given to the sink
  // or will be; with an error, no answer comes.
  virtual task<void> send(outgoing what) = 0;
  // The handshake agreed on a version.
  virtual void on_negotiated(const std::string& version) = 0;
  // What the server said beside the protocol (the end of its standard error), to explain a failure. Often empty.
  [[nodiscard]] virtual std::string last_words() const = 0;
  // Ends the session and waits until nothing is left of it. Not cancellable.
  virtual asio::awaitable<void> close() = 0;

 protected:
  transport() = default;
};

}  // namespace mcpstate::mcp
