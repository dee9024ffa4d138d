// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include <mcpstate/mcp/client.hpp>

#include "mcp/protocol/detect_fsm.hh"
#include "mcp/session/channel.hh"
#include "mcp/session/subscription.hh"

// Opens a session: finds out which protocol the server speaks, performs the handshake, and follows the server's
// announcements if that is wanted. Also opens it again when the server has lost it. The shell around detect_fsm.
//
// Executor: the session's. Lifetime: the channel and the options outlive it.
namespace mcpstate::mcp {

class session_opener {
 public:
  session_opener(channel& messages, const client_options& options)
      : channel_(messages), options_(options), subscription_(messages, options) {}

  // After a failure the channel is to be closed, or open() called again.
  task<void> open();
  // As of the last handshake that succeeded.
  [[nodiscard]] const server_facts& facts() const noexcept { return facts_; }

 private:
  using step = detect_fsm::step;
  using time_point = std::chrono::steady_clock::time_point;

  [[nodiscard]] std::optional<era> known_era() const;
  void remember(const detect_fsm& detection, std::optional<era> known, bool opened) const;
  task<void> detect(detect_fsm& detection, aio::deadline until);
  task<step> perform(detect_fsm& detection, step next, aio::deadline until);
  task<void> restart_program();
  asio::awaitable<observed> discover(std::string version, aio::deadline until);
  asio::awaitable<observed> initialize(aio::deadline until);
  asio::awaitable<observed> open_sse(aio::deadline until);
  task<void> finish(step outcome, aio::deadline until);
  task<void> finish_modern(std::string version);
  task<void> finish_legacy(era found, aio::deadline until);
  void set_facts(handshake answer, era found);
  void report_step(std::string name, time_point started, const observed& got,
                   const std::optional<http::answer>& refusal = std::nullopt) const;

  channel& channel_;
  const client_options& options_;
  subscription subscription_;
  server_facts facts_;
  std::optional<message> last_answer_;  // of the last step of detection
};

}  // namespace mcpstate::mcp
