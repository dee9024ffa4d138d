// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "net/dial.hh"
#include "redis/executor.hh"

// One connection to one Redis server, shared by any number of callers: what they ask for while a write is under way goes out
// together in the next one (auto-pipelining), and replies come back in order. It keeps itself connected.
//
// A link is an executor, with the same rules for executors, lifetime, cancellation and failure. Every route leads to its one
// server.
namespace mcpstate::redis {

class link : public executor {
 public:
  using executor::exec;
  task<std::vector<reply>> exec(request commands, aio::deadline until, effect kind) {
    return exec(route::to_any(), std::move(commands), until, kind);
  }

  // What a request came to; see exec() for the errors.
  using outcome = result<std::vector<reply>>;
  using receiver = std::function<void(outcome)>;
  // The same as exec(), for a cache that is filled over this link. The receiver is called inside the loop that reads the
  // stream, in the stream's order: pushes that the server sent before the last of these replies have been given to on_push
  // before, and no later push has. An answer of exec() keeps that order only if whoever awaits it lives on the link's own
  // executor, with nothing in between.
  // The receiver is called exactly once, on the link's executor, never from inside this call. It must not destroy the link,
  // and may ask for more. When the connection is lost, on_state comes first, then the receivers of what was sent.
  virtual void exec_in_stream(request commands, aio::deadline until, effect kind, receiver tell) = 0;

  [[nodiscard]] virtual bool connected() const noexcept = 0;
  // Commands that wait or are in flight.
  [[nodiscard]] virtual std::size_t pending() const noexcept = 0;
};

// Look-ups of the server's name are made with `look_up`.
[[nodiscard]] std::shared_ptr<link> make_link(asio::any_io_executor home, link_config config,
                                              net::resolver look_up = aio::look_up);

}  // namespace mcpstate::redis
