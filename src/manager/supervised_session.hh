// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/aio/deadline.hpp>

#include "manager/link_inbox.hh"
#include "manager/manager_context.hh"
#include "manager/server_link.hh"

// The session of one managed connection, or the attempt to open it, and the events that it has reported. There is one at a
// time; closing it drops its events.
//
// Executor: the store's. Lifetime: the context outlives it; close() before destroying.
namespace mcpstate {

class supervised_session {
 public:
  // on_event: called when take_event() has something to answer.
  supervised_session(manager_context& context, std::function<void()> on_event);

  // Closes the session that is there and begins to open another one.
  void open(destination server, const managed_name& name);
  // Closes it in the background, if there is one.
  void close();
  // Waits until the session that was closed last has ended, or the time is over.
  asio::awaitable<void> wait_closed(aio::deadline until);

  // No-ops without a session.
  void list();
  void ping();

  // The next event not yet taken; absent: there is none.
  [[nodiscard]] std::optional<link_event> take_event() { return inbox_.take(); }
  // Null without an open session.
  [[nodiscard]] mcp::client* client() const noexcept { return link_ ? link_->client() : nullptr; }
  // Null without an open session. For whoever uses it across suspensions.
  [[nodiscard]] std::shared_ptr<server_link> link() const noexcept { return client() != nullptr ? link_ : nullptr; }

 private:
  manager_context& context_;
  std::function<void()> on_event_;
  link_inbox inbox_;
  std::shared_ptr<server_link> link_;
  std::weak_ptr<server_link> closing_;  // the one before
};

}  // namespace mcpstate
