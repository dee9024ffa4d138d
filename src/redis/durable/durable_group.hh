// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "redis/reply.hh"

// Requests that are sent together and confirmed by one WAIT, and what its answer means. Pure.
//
//     [commands of each request …] [WAITAOF 1 0 t] WAIT n t ROLE
//
// WAIT covers all writes before it on its connection. ROLE says how many replicas the primary has, after that.
namespace mcpstate::redis {

// What is waited for.
struct durable_rules {
  durable_rules() {}
  std::size_t replicas = 0;  // 0: all that are connected to the primary, and at least one
  // How long a replica must be gone until it is not waited for any more. By then the Sentinels have told, if they are about to
  // make it the primary.
  std::chrono::milliseconds remember{10000};
  std::chrono::milliseconds wait{1000};  // the longest that one WAIT takes: what comes behind it waits, too
};

// How many copies of a write there are.
struct confirmation {
  confirmation() {}
  std::size_t replicas = 0, wanted = 1;
  bool flushed = true;  // where the server can say so and appends to a file: its own copy is on its disk
  std::string refused;  // the server's words, where it refuses to say
  [[nodiscard]] bool enough() const noexcept { return replicas >= wanted && flushed && refused.empty(); }
};

// How many replicas a primary has, as long as none of them may have left in order to replace it.
class replica_count {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  explicit replica_count(std::chrono::milliseconds remember) : remember_(remember) {}
  // So many are connected now.
  void heard(std::size_t connected, time_point now) {
    if (connected >= seen_.value_or(0)) {
      seen_ = connected;
      fewer_since_.reset();
      return;
    }
    if (!fewer_since_) fewer_since_ = now;
    if (now - *fewer_since_ < remember_) return;
    seen_ = connected;
    fewer_since_.reset();
  }
  // Another server is the primary.
  void forget() {
    seen_.reset();
    fewer_since_.reset();
  }
  [[nodiscard]] std::optional<std::size_t> seen() const noexcept { return seen_; }

 private:
  std::chrono::milliseconds remember_;
  std::optional<std::size_t> seen_;
  std::optional<time_point> fewer_since_;
};

// The commands that follow a group. `seen`: the replicas that the primary has, by a replica_count.
class durable_group {
 public:
  durable_group(const durable_rules& rules, std::optional<std::size_t> seen, bool append_only)
      : rules_(rules),
        wanted_(rules.replicas != 0 ? rules.replicas : std::max<std::size_t>(seen.value_or(1), 1)),
        append_only_(append_only) {}

  // Appends a request, all of whose commands are of one caller.
  void add(request& whole, const request& one) const;
  // Appends what confirms them. `left`: until the first of the callers stops waiting.
  void close(request& whole, std::chrono::milliseconds left) const;
  [[nodiscard]] std::size_t closing_replies() const noexcept { return append_only_ ? 3 : 2; }
  // What the last replies of the whole mean; there are closing_replies() of them.
  [[nodiscard]] confirmation read(std::span<const reply> closing) const;
  // The replicas that are connected, by an answer to ROLE. Absent when the server may not be asked, or is none with replicas.
  [[nodiscard]] static std::optional<std::size_t> replicas_in(const reply& role);

 private:
  durable_rules rules_;
  std::size_t wanted_;
  bool append_only_;
};

}  // namespace mcpstate::redis
