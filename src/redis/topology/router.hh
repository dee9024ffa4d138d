// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "redis/reply.hh"
#include "redis/topology/redirect.hh"
#include "redis/topology/topology_fsm.hh"
#include "redis/topology/verdict.hh"

// Which node of a cluster each request goes to, and what becomes of it: done, sent again, made to wait, or failed. Pure: events
// go in, actions come out; it is told what time it is.
//
// What one caller wants sent together is a unit. Its commands lie in one slot and go to one node, in their order. Every unit
// ends exactly once. A command that may have run is never sent again, unless it only reads: that is sent again once. A refusal
// to run is no error of the caller before the deadline has passed: the unit goes where the refusal says, or waits and tries
// again. Units of one slot are sent in the order in which they came, but one that is refused can be overtaken: who needs an
// order waits for the answer.
namespace mcpstate::redis {

using unit_id = std::uint64_t;  // never used twice

struct router_rules {
  router_rules() {}
  using span = std::chrono::milliseconds;
  std::size_t max_redirects = 16;           // of one unit
  std::size_t prompt_redirects = 4;         // these are followed at once, further ones after a pause
  std::size_t max_waiting = 65536;          // units; more is queue_full
  span move_min{10}, move_max{100};         // while keys of the slot are being moved
  span down_min{50}, down_max{500};         // while nobody serves the slot
  span startup_min{100}, startup_max{500};  // while a node loads, or is busy
  topology_rules topology;
};

// Send these commands of a unit to this node.
struct unit_send {
  unit_id unit = 0;
  node_id node = no_node;
  bool asking = false;                // with ASKING, see select_commands()
  std::vector<std::size_t> commands;  // ascending; none: all of them
};
struct unit_done {
  unit_id unit = 0;
  std::vector<reply> answers;  // one for each command
};
struct unit_failed {
  unit_id unit = 0;
  error why;
};
using router_action = std::variant<unit_send, unit_done, unit_failed, topology_action>;

class router {
 public:
  using time_point = topology_fsm::time_point;

  // `nat` must outlive the router.
  router(router_rules rules, std::vector<endpoint> seeds, const nat_map& nat, std::uint64_t random);

  void start(time_point now) {
    settle_after(now, [&] { topology_.start(now); });
  }
  // Everything that waits fails, and what comes later.
  void stop();

  // A unit for the node of this slot; without a slot, for any.
  unit_id submit(const unit_shape& shape, std::optional<std::uint16_t> slot, time_point until, time_point now);
  // The replies to what was sent last for this unit, those to ASKING taken out.
  void replied(unit_id unit, std::vector<reply> answers, time_point now);
  // What was sent last for this unit ended without replies. connection_lost, stopped and the reasons of an attempt mean that a
  // write was not sent.
  void failed(unit_id unit, error why, time_point now);
  // The caller gives up: the unit ends with stopped, or with outcome_unknown if it is a write that was sent.
  void cancel(unit_id unit);

  void node_ready(node_id node, const server_hello& hello, const std::string& id, time_point now);
  void node_lost(node_id node, error why, time_point now);
  void node_answered(node_id node, result<cluster_view> said, time_point now);
  void tick(time_point now);
  // When tick() is due.
  [[nodiscard]] time_point next_tick() const;

  // What is to be done, in order; replaces what `into` holds.
  void take_actions(std::vector<router_action>& into);

  [[nodiscard]] const topology_fsm& topology() const noexcept { return topology_; }
  [[nodiscard]] std::size_t units() const noexcept { return units_.size() - free_.size(); }
  [[nodiscard]] std::size_t waiting() const noexcept { return timed_.size(); }

 private:
  enum class stage { free, waiting, sent };
  struct unit {
    std::uint32_t generation = 0;
    stage now = stage::free;
    unit_shape shape;
    std::uint16_t slot = slot_count;  // that: any
    time_point until{}, wake{};
    std::uint64_t arrival = 0;
    node_id node = no_node;    // where it was sent
    node_id pinned = no_node;  // where it must go instead of the owner of its slot
    bool asking = false;
    bool blocked = false;  // waits for a node or for the map, not for a time
    bool any_ran = false;  // some of its commands
    bool reread = false;   // a read that was lost once
    std::size_t redirects = 0;
    int pauses = 0;
    refusal_kind last = refusal_kind::none;
    std::vector<std::size_t> left;  // to be sent; none: all
    std::vector<reply> answers;     // of those that ran, when others are left
  };
  using span = router_rules::span;

  [[nodiscard]] unit* find(unit_id id);
  [[nodiscard]] static unit_id id_of(const unit& u, std::size_t index) { return std::uint64_t{u.generation} << 32 | index; }
  // router.cpp
  void dispatch(unit_id id, time_point now);
  void wait(unit_id id, unit& u, time_point wake, bool blocked);
  void leave_waiting(unit_id id, unit& u);
  void finish(unit_id id, unit& u);
  void fail(unit_id id, error why);
  void expire(unit_id id, unit& u);
  void release_blocked(const std::vector<slot_range>* slots, time_point now);
  void settle(time_point now);
  template <class Event>
  void settle_after(time_point now, Event event) {
    event();
    settle(now);
  }
  // router_refusal.cpp
  void merge(unit& u, std::vector<reply>&& answers, const verdict& seen);
  void repeat(unit_id id, unit& u, const refusal& why, time_point now);
  void follow_moved(unit_id id, unit& u, const refusal& why, time_point now);
  void follow_ask(unit_id id, unit& u, const refusal& why, time_point now);
  void pause(unit_id id, unit& u, span first, span longest, time_point now);
  [[nodiscard]] std::optional<endpoint> target_of(const refusal& why, node_id from) const;

  router_rules rules_;
  const nat_map& nat_;
  topology_fsm topology_;
  std::mt19937_64 random_;
  std::vector<router_action> actions_;
  std::vector<unit> units_;
  std::vector<std::uint32_t> free_;
  std::uint64_t arrivals_ = 0;
  std::set<std::pair<time_point, unit_id>> timed_;                      // all that wait, by when they wake
  std::map<std::pair<std::uint16_t, std::uint64_t>, unit_id> blocked_;  // by slot, in the order in which they came
  bool recheck_ = false;                                                // whether those that are blocked can go on
  bool stopped_ = false;
};

}  // namespace mcpstate::redis
