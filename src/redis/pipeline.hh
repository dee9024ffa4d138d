// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "redis/link_config.hh"
#include "redis/reply.hh"

// The books of one connection: which requests wait, which are on their way, whose reply comes next, and what becomes of each
// when its time is over, its caller gives up, or the connection breaks. Pure: told what time it is, touches no socket.
//
// A request that was staged counts as sent: the server may have it. It then stays in the books until its replies came or the
// connection is gone, even when its caller has been answered: only so do later replies find their requests.
namespace mcpstate::redis {

class pipeline {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  // One request. Who queues it derives from it, to find the caller again.
  struct entry {
    entry(request what, time_point deadline, effect kind)
        : commands(what.commands()), bytes(std::move(what).take()), until(deadline), matters(kind) {}
    virtual ~entry() = default;
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;

    std::size_t commands;
    std::string bytes;  // until it is staged
    time_point until;
    effect matters;
    std::vector<reply> replies;
  };
  // An entry that leaves the books without an answer, and why.
  struct ending {
    std::unique_ptr<entry> who;
    errc why;
  };

  pipeline(std::size_t max_commands, std::size_t max_bytes) : max_commands_(max_commands), max_bytes_(max_bytes) {}

  // Whether there is room for it.
  [[nodiscard]] bool fits(const entry& e) const noexcept;
  // At least one command. Answers its number, which is never given again.
  std::uint64_t add(std::unique_ptr<entry> e);
  // Appends to `out` all that waits; from now on it is sent. Nothing is added when nothing waits.
  void stage(std::string& out);
  // All that was staged has been written: its bytes count no longer.
  void wrote() noexcept { staged_bytes_ = 0; }

  // Whether a reply is owed.
  [[nodiscard]] bool owed() const noexcept { return in_flight_ != 0; }
  // The next reply, which must be owed. Answers the entry whose last reply it was, if its caller still waits.
  std::unique_ptr<entry> on_reply(reply&& answer);

  // Its caller gives up: waiting, it is withdrawn; sent, its replies will be dropped. Absent when it has been answered.
  std::optional<ending> withdraw(std::uint64_t number);
  // Those whose deadline is not after `now`.
  std::vector<ending> expire(time_point now);
  // The earliest deadline of those whose callers wait; looks at all of them.
  [[nodiscard]] time_point earliest() const;

  // The connection is gone: what was sent fails (reads with `reads`), and its replies are no longer owed; what waits stays.
  std::vector<ending> lost(errc reads);
  // Fails what waits, with `why`.
  std::vector<ending> drop_waiting(errc why);

  [[nodiscard]] std::size_t pending() const noexcept { return in_flight_ + waiting_; }  // commands
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }               // commands
  [[nodiscard]] std::size_t pending_bytes() const noexcept { return waiting_bytes_ + staged_bytes_; }

 private:
  struct slot {
    std::unique_ptr<entry> who;  // none: its caller has been answered
    std::size_t left = 0;        // replies to come; of those that wait, commands
  };
  // Slots withdrawn while they waited stay, with nothing left, so that numbers keep leading to slots.
  [[nodiscard]] bool is_sent(std::size_t index) const noexcept { return index < sent_; }
  ending take_out(std::size_t index, errc unsent, errc sent_read);
  void skip_finished();
  void trim();

  std::size_t max_commands_, max_bytes_;
  std::deque<slot> slots_;                   // sent ones first
  std::size_t sent_ = 0;                     // slots
  std::uint64_t first_ = 0;                  // number of slots_.front()
  std::size_t in_flight_ = 0, waiting_ = 0;  // commands
  std::size_t waiting_bytes_ = 0, staged_bytes_ = 0;
};

}  // namespace mcpstate::redis
