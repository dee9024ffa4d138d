// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <optional>

#include <mcpstate/mcp/client_options.hpp>

#include "aio/latch.hh"
#include "mcp/session/channel.hh"

// The subscription to what a server of the modern era announces. It is opened again when it ends, for as long as the session
// lasts. The host learns of changes that may have been missed in between.
//
// Executor: the session's. Lifetime: the channel and the options outlive it; the channel is closed before it is destroyed.
namespace mcpstate::mcp {

class subscription {
 public:
  subscription(channel& messages, const client_options& options);
  subscription(const subscription&) = delete;
  subscription& operator=(const subscription&) = delete;

  // Opens it in the background, and waits a little for the server's word. Answers why it is not open; absent: it is.
  asio::awaitable<std::optional<error>> start();

 private:
  void acknowledged();
  asio::awaitable<void> follow();

  channel& channel_;
  const client_options& options_;
  std::shared_ptr<aio::latch> decided_;  // the server has acknowledged or refused it, or it has ended
  std::optional<error> failure_;         // why it is not open
  bool gap_ = false;                     // announcements may have been missed since it ended
};

}  // namespace mcpstate::mcp
