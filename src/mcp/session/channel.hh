// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/client.hpp>

#include "aio/event.hh"
#include "mcp/protocol/session_fsm.hh"
#include "mcp/session/pending_request.hh"
#include "mcp/session/server_requests.hh"
#include "mcp/transport/transport.hh"

// The messages of a session: the transport that carries them, the requests that wait for an answer, and what the server says
// unasked. The shell around session_fsm.
//
// Executor: all members on the given one. Lifetime: options outlive it; await close() before destroying.
namespace mcpstate::mcp {

class channel {
 public:
  channel(asio::any_io_executor executor, target server, const client_options& options);
  ~channel();
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  [[nodiscard]] const target& server() const noexcept { return server_; }
  [[nodiscard]] bool over_http() const noexcept { return std::holds_alternative<http_target>(server_); }
  [[nodiscard]] session_fsm& fsm() noexcept { return fsm_; }
  [[nodiscard]] const session_fsm& fsm() const noexcept { return fsm_; }
  // For work that ends with the session.
  [[nodiscard]] aio::task_group& group() noexcept { return group_; }
  // Called when the server acknowledges a subscription.
  void on_subscribed(std::function<void()> handler) { on_subscribed_ = std::move(handler); }

  // Closes the transport that is there, then makes and opens another one.
  task<void> connect(bool over_sse);
  // Null: there is none. Shared, so that it outlives a send() under way.
  [[nodiscard]] std::shared_ptr<transport> current_transport() const;
  // HTTP+SSE: what came in place of the event stream.
  [[nodiscard]] const std::optional<http::answer>& stream_refusal() const noexcept { return stream_refusal_; }

  // Sends a request and waits for its answer. details: set when it fails. The caller keeps it alive.
  task<message> ask(outgoing request, request_limits limits, request_failure& details);

  // Why the session has ended; absent: it has not.
  [[nodiscard]] const std::optional<error>& lost() const noexcept { return lost_; }
  // The session has ended: every request under way fails, and the host is told.
  void lose(const error& reason);
  // Whether the transport's requests name a session; and the end of that, as told in an answer.
  [[nodiscard]] bool has_session() const;
  void lose_session();
  // The session could not be opened: no request is under way.
  void set_lost(const error& reason) { lost_ = reason; }
  // A new session begins: forgets the one before, and the answers that wait to be sent to it.
  void restart();

  [[nodiscard]] bool closed() const noexcept { return closed_; }
  // Ends every request, then the session. Not cancellable.
  asio::awaitable<void> close();

 private:
  class attached_transport;

  result<void> take_text(std::string text, std::uint64_t on_request);
  void react(session_fsm::reaction reaction);
  void take_notification(message notification);
  void fail_pending(const error& reason);
  void take_progress(std::uint64_t id, const std::string& params);
  task<void> send(std::shared_ptr<transport> carrier, outgoing request);
  task<message> exchange(outgoing request, pending_request& pending);
  asio::awaitable<void> wait_time_over(pending_request& pending);
  [[nodiscard]] error no_answer(const pending_request& pending, bool cancelled) const;
  void extend_deadlines();
  asio::awaitable<void> deliver(outgoing text);
  asio::awaitable<void> send_cancellation(outgoing notification);
  asio::awaitable<void> disconnect();
  asio::awaitable<void> do_close();

  asio::any_io_executor executor_;
  const target server_;
  const client_options& options_;
  session_fsm fsm_;
  std::shared_ptr<attached_transport> attached_;
  std::optional<http::answer> stream_refusal_;
  std::map<std::uint64_t, pending_request*> pending_;
  std::optional<error> lost_;
  bool closed_ = false;
  std::size_t cancellations_ = 0;  // that are being sent
  aio::event idle_;                // no request is pending, or no cancellation is being sent
  std::function<void()> on_subscribed_;
  server_requests server_requests_;
  aio::task_group group_;
};

}  // namespace mcpstate::mcp
