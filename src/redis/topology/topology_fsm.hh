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
#include <unordered_map>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "redis/link_config.hh"
#include "redis/topology/cluster_map.hh"

// Which nodes of a cluster to be connected to, when to ask them for the map, and which answer to believe. Pure: events go in,
// actions come out; it is told what time it is.
//
//     start ──▶ seeds are opened, three at a time ──ready──▶ asked for the map ──view──▶ the primaries of the map are opened
//
// One refresh at a time. Whatever casts doubt on the map (a redirect, a lost connection, a refusal, silence) wants one; those
// that come meanwhile become one more. Between two is a pause that doubles while nothing changes. Seeds stay candidates for
// ever. A node that has left is closed by an action; who carries it out lets it answer what it owes.
namespace mcpstate::redis {

using node_id = std::uint32_t;  // of one connection; never used twice
inline constexpr node_id no_node = 0;

struct topology_rules {
  topology_rules() {}
  using span = std::chrono::milliseconds;
  span gap_min{100}, gap_max{2000};  // between two refreshes
  span gap_lame{500};                // the longest while a primary cannot be used: its successor is awaited
  span period{30000};                // a refresh without a reason, give or take a fifth
  span answer_within{1000};          // a node that is slower is passed over
  std::size_t width = 3;             // nodes that are asked at once when something is doubtful
  std::size_t max_primaries = 1000;  // a map with more is not believed
  std::size_t max_extra = 16;        // nodes open beside the primaries of the map
  span keep_redirected{10000};       // how long such a node stays open after a redirect led to it
};

struct topology_action {
  enum class kind {
    open,     // connect to `at`, and again whenever the connection is lost, until it is closed
    close,    // ask it nothing more; it goes when it owes nothing
    ask,      // ask for its view, and tell what it answered
    changed,  // these slots have another primary now, or another connection to it
    fail,     // no node can be asked: what waits for the map ends with `why`
  };
  explicit topology_action(kind doing, node_id on = no_node) : what(doing), node(on) {}
  kind what;
  node_id node;
  endpoint at;
  std::vector<slot_range> slots;
  std::optional<error> why;
};

class topology_fsm {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  // At least one seed. `random` decides whom to ask first, and the jitter.
  topology_fsm(topology_rules rules, std::vector<endpoint> seeds, std::uint64_t random);

  void start(time_point now);
  // A node answers; what it said of itself in HELLO and CLUSTER MYID (empty if it may not be asked that).
  void ready(node_id node, const server_hello& hello, const std::string& id, time_point now);
  // An attempt to connect has failed, or a connection was lost.
  void lost(node_id node, error why, time_point now);
  // The answer to an ask; or why there is none.
  void answered(node_id node, result<cluster_view> said, time_point now);
  // `from` says that another node has this slot. Answers that node, which may have to be opened first; none when it is not
  // known, or when too many are open already. A node that names itself is connected to anew.
  node_id moved(std::uint16_t slot, const std::optional<endpoint>& to, node_id from, time_point now);
  // The same for the target of ASK: the map stays as it is.
  node_id importing(const std::optional<endpoint>& to, time_point now);
  // Something else was odd: a refusal that another node would not make, a slot that nobody serves, silence.
  void doubt(time_point now);
  // This node is not what it was (a replica now): it is connected to anew, and the map is asked for.
  void distrust(node_id node, time_point now);
  void tick(time_point now);
  [[nodiscard]] time_point next_tick() const noexcept;

  // What is to be done, in order.
  [[nodiscard]] std::vector<topology_action> take_actions();

  // The node that serves a slot; none when nobody does.
  [[nodiscard]] node_id owner(std::uint16_t slot) const noexcept { return owners_[slot]; }
  // Whether requests may be sent to this node: it answers, and it is what the map takes it for.
  [[nodiscard]] bool usable(node_id node) const;
  // Whether requests may be sent there now or soon: it is ready, or its first attempt to connect is under way.
  [[nodiscard]] bool expected(node_id node) const;
  // Some primary that is usable, another one each time.
  [[nodiscard]] node_id any_primary();
  [[nodiscard]] const endpoint* place(node_id node) const;
  // Why no node of the cluster can be asked; null while one can, or while that is being tried.
  [[nodiscard]] const error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }
  [[nodiscard]] const cluster_view* known() const noexcept { return known_ ? &*known_ : nullptr; }
  [[nodiscard]] std::size_t open_nodes() const noexcept { return nodes_.size(); }

 private:
  enum class status { opening, ready, down };
  struct node_state {
    endpoint at;
    status now = status::opening;
    bool owner = false;    // a primary of the map
    bool replica = false;  // by its own words when it was connected
    bool slow = false;     // it was asked, and was passed over
    bool unfit = false;    // no node of a cluster at all
    std::string id;        // by its own words
    std::string expected;  // by the map
    std::uint64_t ready_ticket = 0;
    time_point opened{};
    std::optional<time_point> redirected;  // the last time
  };
  struct round {
    round() {}
    time_point until;
    std::size_t width = 1;
    std::map<node_id, std::uint64_t> pending;  // → ticket
    std::set<endpoint> tried;                  // asked, or failed before
    std::vector<cluster_view> views;
  };
  struct patch {
    node_id node = no_node;
    std::uint64_t ticket = 0;
  };

  // Nodes (topology_fsm.cpp).
  node_id open(const endpoint& at, time_point now);
  void close(node_id node);
  node_id replace(node_id node, time_point now);
  node_id redirect(const std::optional<endpoint>& to, time_point now);
  [[nodiscard]] node_id find(const endpoint& at) const;
  [[nodiscard]] std::size_t extra_nodes() const;
  // The map (topology_fsm.cpp).
  void adopt(cluster_view view, time_point now);
  void open_primaries(time_point now);
  void close_leavers(time_point now);
  void apply_patches(std::uint64_t after);
  [[nodiscard]] bool any_owner_unusable() const;
  [[nodiscard]] bool any_owner_usable() const;
  // Refreshes (topology_round.cpp).
  void advance(time_point now);
  void begin_round(time_point now);
  [[nodiscard]] bool decides(const cluster_view& view) const;
  bool ask_candidates();
  bool open_candidates(time_point now);
  void end_round(time_point now);
  void fail_round(time_point now);
  void pass_over_silent(time_point now);
  [[nodiscard]] bool nobody_known_answers() const;
  void note_failure(const endpoint& at, error why);

  topology_rules rules_;
  std::vector<endpoint> seeds_;
  std::mt19937_64 random_;
  std::vector<topology_action> actions_;

  std::unordered_map<node_id, node_state> nodes_;
  std::map<endpoint, node_id> places_;
  node_id last_node_ = no_node;
  std::uint64_t ticket_ = 0;  // orders what was asked, heard and opened

  std::optional<cluster_view> known_;
  std::vector<node_id> owners_;             // by slot
  std::map<std::uint16_t, patch> patches_;  // by slot: redirects since the map was asked for
  endpoint last_any_;                       // of any_primary()

  std::optional<round> round_;
  bool started_ = false;
  bool wanted_ = false;         // a refresh, as soon as the pause allows
  bool doubtful_ = false;       // for a reason
  bool changed_since_ = false;  // since the last round ended
  int quiet_rounds_ = 0;        // that changed nothing
  time_point earliest_{}, periodic_{};
  std::optional<error> failure_, round_failure_;
};

}  // namespace mcpstate::redis
