// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "redis/sentinel/sentinel_codec.hh"

// Which server is the primary, by what Sentinels say. Pure: events go in, actions come out; it is told what time it is.
//
//     start ──▶ every Sentinel is opened and asked ──a majority agrees, or patience is over──▶ the target
//        target ──a majority names another──▶ the other target
//        target ──+switch-master away from it──▶ none ──every Sentinel is asked again──▶ the target
//
// All Sentinels are connected to, asked at the same time, and asked again each second: the first answer is never waited for
// when another one is there. A majority is of all that watch the primary, whether they can be reached or not. While there is no
// target, the address that most of those name who answered within `patience` is taken: so one Sentinel is enough to begin.
// A view of an older configuration than the target's is refused: it comes from a Sentinel that missed a failover. Only when a
// majority repeats it for `regress_after` is it believed, because then somebody has set the Sentinels up anew.
namespace mcpstate::redis {

using sentinel_id = std::uint32_t;  // of one connection; never used twice

struct sentinel_rules {
  sentinel_rules() {}
  using span = std::chrono::milliseconds;
  span patience{300};               // for a majority, while there is no target
  span period{1000};                // between two looks, give or take a tenth; a third of down-after where that is less
  span gap_min{100}, gap_max{300};  // between two looks while somebody waits for a primary
  span believed{3000};              // how long a view counts
  span regress_after{10000};        // how long a majority must name an older configuration until it is believed
  std::size_t max_sentinels = 32;
};

struct sentinel_action {
  enum class kind {
    open,    // connect to the Sentinel at `at`, and again whenever the connection is lost, until it is closed
    close,   // end that connection
    ask,     // ask it for its view, and tell what it answered
    target,  // the target is another one, or there is none: target() says. What is sent to the old one ends now
    news,    // failure() has changed
  };
  explicit sentinel_action(kind doing, sentinel_id sentinel = 0) : what(doing), on(sentinel) {}
  kind what;
  sentinel_id on;
  endpoint at;
};

class sentinel_fsm {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  // At least one seed. `random` decides the jitter.
  sentinel_fsm(sentinel_rules rules, std::vector<endpoint> seeds, std::uint64_t random);

  void start(time_point now);
  // A Sentinel can be asked; or it cannot: an attempt to connect has failed, or the connection was lost.
  void ready(sentinel_id sentinel, time_point now);
  void lost(sentinel_id sentinel, error why, time_point now);
  // The answer to an ask; or why there is none.
  void answered(sentinel_id sentinel, result<sentinel_view> said, time_point now);
  // A Sentinel says that it names another primary from now on.
  void switched(sentinel_id sentinel, const primary_switch& what, time_point now);
  // The target is not what it should be: it refuses writes, is silent, or the connection was lost.
  void doubt(time_point now);
  // Whether anybody waits for a primary that answers: Sentinels are asked more often.
  void set_unserved(bool any, time_point now);
  void tick(time_point now);
  [[nodiscard]] time_point next_tick() const noexcept;

  // What is to be done, in order.
  [[nodiscard]] std::vector<sentinel_action> take_actions();

  // Where the primary is; null while that is not known.
  [[nodiscard]] const endpoint* target() const noexcept { return target_ ? &*target_ : nullptr; }
  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
  // The time of the latest question to which a majority has answered that the target is the primary, up, and in no failover.
  // Absent: never.
  [[nodiscard]] std::optional<time_point> confirmed_at() const;
  // How long the Sentinels wait before they call a silent primary down.
  [[nodiscard]] std::chrono::milliseconds down_after() const noexcept { return down_after_; }
  // Why nobody can say where the primary is; null while somebody can, or while that is being tried.
  [[nodiscard]] const error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }
  [[nodiscard]] const endpoint* place(sentinel_id sentinel) const;
  [[nodiscard]] std::size_t open_sentinels() const noexcept { return sentinels_.size(); }

 private:
  enum class status { opening, ready, down };
  struct sentinel {
    explicit sentinel(endpoint where) : at(std::move(where)) {}
    endpoint at;
    bool seed = false;
    status now = status::opening;
    std::string id;
    std::optional<time_point> pending;  // when it was asked what it has not answered
    std::optional<sentinel_view> view;
    time_point asked{};        // for the view
    std::optional<error> why;  // the latest failure, since the latest view
  };
  // Who says what: by configuration and address, how many.
  using votes = std::map<std::pair<std::uint64_t, endpoint>, std::size_t>;

  sentinel_id open(const endpoint& at);
  void close(sentinel_id which);
  void learn(const sentinel_view& view);
  void close_twins(sentinel_id which);
  void look(time_point now);
  void look_soon(time_point now);
  void decide(time_point now);
  void settle(time_point now);
  [[nodiscard]] bool believed(const sentinel& each, time_point now) const;
  [[nodiscard]] std::size_t majority() const noexcept { return total_ / 2 + 1; }
  [[nodiscard]] votes count_votes(time_point now, bool current) const;
  void take(const endpoint& at, std::uint64_t epoch);
  void consider_regress(time_point now);
  void note_failure(time_point now);
  [[nodiscard]] std::optional<error> worst() const;
  [[nodiscard]] double share();

  sentinel_rules rules_;
  std::vector<endpoint> seeds_;
  std::mt19937_64 random_;
  std::vector<sentinel_action> actions_;

  std::map<sentinel_id, sentinel> sentinels_;
  sentinel_id last_ = 0;

  std::optional<endpoint> target_;
  std::uint64_t epoch_ = 0;   // of the latest target
  std::size_t total_ = 1;     // Sentinels that watch the primary
  time_point fresh_after_{};  // views that were asked for before do not count
  time_point patience_until_{};
  std::optional<time_point> regress_since_;
  std::chrono::milliseconds down_after_{30000};
  std::optional<error> failure_;

  bool started_ = false, unserved_ = false;
  time_point now_{}, last_look_{}, next_look_ = time_point::max();
};

}  // namespace mcpstate::redis
