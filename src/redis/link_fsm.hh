// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "redis/link_config.hh"
#include "redis/reply.hh"

// The life of one link, as decisions: when to connect, what to say first, whether the server is fit, how long to wait before
// the next attempt, and whether a caller may wait meanwhile. Pure: random numbers and durations are passed in.
//
//     off ──start──▶ connecting ──connected──▶ handshaking ──last good answer──▶ ready
//                        ▲  │failed                │failed, refused                │lost
//                        │  ▼                      ▼                               ▼
//                        └─retry── waiting ◀───────┴───────────────────────────────┘        any ──stop──▶ off
namespace mcpstate::redis {

class link_fsm {
 public:
  enum class state {
    off,          // not started, or stopped
    connecting,   // an attempt is under way: resolve, connect, TLS
    handshaking,  // the transport is open; the server has not yet answered the whole handshake
    ready,        // requests may be written
    waiting,      // between two attempts
  };
  // What happens to a request that a caller brings now.
  enum class admission {
    open,    // it can be written
    hold,    // it may wait: the first attempt, or the first one after a loss, has not ended
    refuse,  // that attempt failed: it fails with failure() at once
  };
  enum class progress { more, ready, refused };

  explicit link_fsm(const link_config& config);

  void start();
  void stop();
  // For the handshakes to come.
  void set_password(secret_text password) { password_ = std::move(password); }
  [[nodiscard]] bool has_password() const noexcept { return !password_.empty(); }
  // The transport is open. Answers what to write.
  [[nodiscard]] request connected();
  // Whether the next answer of the handshake may come as a push.
  [[nodiscard]] bool expects_push() const noexcept {
    return state_ == state::handshaking && asked_[answered_] == command::subscribe;
  }
  // The next reply during the handshake. `refused`: failure() says why, and waiting has begun: call pause().
  progress on_reply(const reply& answer);
  // The attempt failed, or the connection was lost after `lived` (zero if it was never ready).
  void failed(error why, std::chrono::milliseconds lived);
  // The server says during the session who it is. Answers why it can be used no longer: call failed() with that.
  [[nodiscard]] std::optional<error> on_identity(const reply& answer);
  // Somebody waits for this connection, or was refused. Answers whether that is news since the last attempt began.
  bool want();
  // How long to wait in `waiting`; `random` is in [0, 1). Any part of the longest pause may come out (full jitter). Shorter
  // after want().
  [[nodiscard]] std::chrono::milliseconds pause(double random) const;
  void retry();

  [[nodiscard]] state now() const noexcept { return state_; }
  [[nodiscard]] admission admits() const noexcept;
  [[nodiscard]] const server_hello& hello() const noexcept { return hello_; }
  [[nodiscard]] const error& failure() const noexcept { return failure_; }

 private:
  enum class command { hello, select, setname, tracking, subscribe, ping };

  [[nodiscard]] std::optional<error> check_reply(command sent, const reply& answer);
  [[nodiscard]] std::optional<error> judge_hello(const reply& answer);

  // Constant after construction.
  std::string user_;
  std::string client_name_;
  int database_;
  bool track_reads_;
  std::vector<std::string> prefixes_, channels_;
  expected_server expected_;
  std::chrono::milliseconds backoff_min_, backoff_max_, wanted_backoff_max_;

  secret_text password_;
  state state_ = state::off;
  std::vector<command> asked_;  // in this handshake, in order
  std::size_t answered_ = 0;
  int failures_ = 0;             // attempts and short-lived connections since the last good one; each doubles the pause
  bool attempt_failed_ = false;  // since the connection was last ready
  bool wanted_ = false;          // since the last attempt began
  server_hello hello_;
  error failure_{errc::connection_lost, "not connected yet"};
};

}  // namespace mcpstate::redis
