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

// The queue of one connection: which requests wait, which are in flight, which of them the next reply belongs to, and how
// each ends when its deadline passes, its caller gives up, or the connection breaks. Pure: it is told what time it is, and
// touches no socket.
//
// A request that was staged counts as sent: the server may have it. It stays in the queue until all its replies have come or
// the connection is gone, even when its caller has been answered. Later replies could not be told apart otherwise.
namespace mcpstate::redis {

class pipeline {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  // One request. Whoever queues requests derives from it, and finds the caller there.
  struct entry {
    entry(request asked, time_point until, effect what)
        : commands(asked.commands()), limits(asked.limits()), unlimited(asked.unlimited()), bytes(std::move(asked).take()), deadline(until), kind(what) {}
    virtual ~entry() = default;
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;

    std::size_t commands;
    value_limits limits;
    std::size_t unlimited;  // commands whose replies have no limits
    std::string bytes;  // until it is staged
    time_point deadline;
    effect kind;
    std::vector<reply> replies;
  };
  // A request that ended without its replies.
  struct ending {
    std::unique_ptr<entry> caller;
    errc reason;
  };

  pipeline(std::size_t max_commands, std::size_t max_bytes) : max_commands_(max_commands), max_bytes_(max_bytes) {}

  // Whether it is within the limits.
  [[nodiscard]] bool fits(const entry& e) const noexcept;
  // Queues a request of at least one command. Answers its number; no other request ever has the same.
  std::uint64_t add(std::unique_ptr<entry> e);
  // Appends the bytes of all requests that wait to `out`, and counts them as sent.
  void stage(std::string& out);
  // All that was staged has been written: its bytes no longer count as pending.
  void wrote() noexcept { staged_bytes_ = 0; }

  // Whether the server owes a reply.
  [[nodiscard]] bool owed() const noexcept { return in_flight_ != 0; }
  // The limits of the next reply. Of a reply that nobody waits for, as little as possible is kept.
  [[nodiscard]] value_limits next_limits() const;
  // Takes the next reply, which must be owed. Answers the request that it completes, if its caller still waits.
  std::unique_ptr<entry> on_reply(reply&& answer);

  // The caller gives up. A request that waits is taken out; of one that was sent, the replies will be dropped. Absent when
  // it has been answered before.
  std::optional<ending> withdraw(std::uint64_t number);
  // Ends the requests whose deadline is not after `now`.
  std::vector<ending> expire(time_point now);
  // The earliest deadline of all callers. Takes time in proportion to their number.
  [[nodiscard]] time_point earliest() const;

  // The connection is gone. Requests that were sent end, reads with this reason and writes with outcome_unknown; none of
  // their replies is owed any more. Requests that wait stay.
  std::vector<ending> lost(errc read_reason);
  // Ends all requests that wait.
  std::vector<ending> drop_waiting(errc reason);

  [[nodiscard]] std::size_t pending() const noexcept { return in_flight_ + waiting_; }  // commands
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }               // commands
  [[nodiscard]] std::size_t pending_bytes() const noexcept { return waiting_bytes_ + staged_bytes_; }

 private:
  struct slot {
    std::unique_ptr<entry> caller;  // null: it has been answered
    std::size_t left = 0;           // replies to come; while it waits, its commands
  };
  // A slot whose request was withdrawn while it waited stays, with nothing left: numbers are indexes into the slots.
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
