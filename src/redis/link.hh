// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>

#include "redis/link_config.hh"
#include "redis/reply.hh"

// One connection to a Redis server, shared by any number of callers: what they ask for while a write is under way goes out
// together in the next one (auto-pipelining), and replies come back in order. It keeps itself connected.
namespace mcpstate::redis {

// Ownership: owns its socket and coroutines. Executor: every member on the given one (one thread at a time). Lifetime: await
// close() before destroying. Failure: see exec. Never re-sends a command.
class link {
 public:
  link(asio::any_io_executor executor, link_config config);
  ~link();
  link(const link&) = delete;
  link& operator=(const link&) = delete;

  // Called with every push, in the stream's order, and with every change of the connection: true when it became ready,
  // false when it was lost. Between a false and the next true pushes may have been missed. Set before start(). They must
  // not destroy the link. Neither is called once close() has begun.
  void on_push(std::function<void(const reply&)> handler);
  void on_state(std::function<void(bool ready)> handler);

  // Begins to connect, and to reconnect whenever the connection is lost.
  void start();
  // Waits for the first attempt to end: done once connected, else the reason of that attempt (the link goes on trying).
  // auth_failed, unsupported (server older than 7.0), tls_failed, resolve_failed, connect_failed, deadline, loading.
  task<server_hello> ready(aio::deadline until);

  // Sends the commands together and answers their replies, one each; error replies are among them, as values.
  // Errors: connection_lost or the last attempt's reason, nothing was sent (also while it backs off after a failed attempt:
  // at once, so that nothing piles up); queue_full, nothing was sent; deadline; outcome_unknown (effect::write, sent, no
  // answer). While the first attempt or a reconnect right after a loss is under way, waits for it until the deadline.
  // Cancellation: unsent, the request is withdrawn (stopped); sent, stopped or outcome_unknown, and the reply is dropped.
  task<std::vector<reply>> exec(request commands, aio::deadline until, effect what);

  [[nodiscard]] bool connected() const noexcept;
  [[nodiscard]] const server_hello& hello() const noexcept;  // of the latest handshake
  [[nodiscard]] std::size_t pending() const noexcept;        // commands waiting or in flight
  [[nodiscard]] std::string address() const;                 // "localhost:6379" or "unix:/path"

  // Fails what is pending with stopped (or outcome_unknown), closes the socket, waits for its coroutines.
  asio::awaitable<void> close();

 private:
  class shell;
  std::shared_ptr<shell> shell_;
};

}  // namespace mcpstate::redis
