// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis/topology/router.hh"
#include "support/fake_node.hh"
#include "unit/redis/topology/maps.hh"

// A router with nodes that are played, and what connects them: requests stand in a queue for each connection, and nothing moves
// unless it is told to.
namespace mcpstate::redis {

using std::chrono::milliseconds;
using test::fake_command;
using test::fake_node;

class router_stage {
 public:
  using time_point = router::time_point;
  struct caller {
    std::vector<fake_command> commands;
    effect kind = effect::read;
    bool atomic = false;
    time_point until;
    std::optional<std::vector<reply>> answers;
    std::optional<error> why;
    std::size_t sends = 0;
    [[nodiscard]] bool ended() const { return answers || why; }
  };
  // What stands in the queue of a connection.
  struct message {
    unit_id unit = 0;  // 0: an ask
    std::vector<fake_command> commands;
    bool asking = false;
  };
  struct connection {
    char letter = '?';
    bool ready = false, closed = false;
    std::deque<message> queue;
  };

  // `letters` are the nodes that exist; the parts belong to those of `view`.
  router_stage(const std::string& letters, std::string view, const std::string& seeds, std::uint64_t random = 1,
               router_rules rules = {})
      : routing(rules, places(seeds), nat_, random) {
    for (const char each : letters) {
      auto made = std::make_unique<fake_node>(each, cluster);
      made->view = view;
      made->epoch = 1;
      nodes.emplace(each, std::move(made));
    }
    routing.start(now);
    collect();
  }

  fake_node& node(char letter) { return *nodes.at(letter); }
  // Everybody sees this from now on.
  void configure(const std::string& view) {
    ++epoch_;
    for (auto& [letter, each] : nodes) {
      each->view = view;
      each->epoch = epoch_;
    }
  }

  unit_id submit(std::vector<fake_command> commands, effect kind, milliseconds within = milliseconds(5000)) {
    const bool atomic = commands.front().what == fake_command::verb::multi;
    const std::uint16_t slot = test::slot_of_part(commands.back().part);
    caller made;
    made.kind = kind;
    made.atomic = atomic;
    made.until = now + within;
    made.commands = std::move(commands);
    const std::size_t count = made.commands.size();
    const unit_id id = routing.submit(unit_shape(count, kind, atomic), slot, now + within, now);
    EXPECT_TRUE(callers.emplace(id, std::move(made)).second) << "a number was used twice";
    collect();
    return id;
  }
  // A unit of one command, with an answer of its own.
  unit_id write(std::size_t part, milliseconds within = milliseconds(5000)) {
    return submit({command(part)}, effect::write, within);
  }
  unit_id read(std::size_t part, milliseconds within = milliseconds(5000)) {
    return submit({command(part)}, effect::read, within);
  }
  fake_command command(std::size_t part, std::vector<int> keys = {0}) {
    fake_command out;
    out.token = ++tokens_;
    out.part = part;
    out.keys = std::move(keys);
    return out;
  }
  fake_command word(fake_command::verb what, std::size_t part) {
    fake_command out = command(part);
    out.what = what;
    return out;
  }

  // The attempt to connect ends: the node answers, or it is down.
  void connect(node_id id) {
    connection& on = connections.at(id);
    if (on.closed || on.ready) return;
    const auto found = nodes.find(on.letter);
    if (found == nodes.end() || !found->second->up) {
      routing.node_lost(id, error(errc::connect_failed, "refused"), now);
    } else {
      on.ready = true;
      server_hello hello;
      hello.mode = "cluster";
      hello.role = found->second->view.find(on.letter) == std::string::npos ? "replica" : "master";
      routing.node_ready(id, hello, std::string("id-") + on.letter, now);
    }
    collect();
  }
  // The node takes the next message of this connection, and its answer arrives.
  bool deliver(node_id id) {
    connection& on = connections.at(id);
    if (on.queue.empty() || !on.ready || !nodes.at(on.letter)->up || nodes.at(on.letter)->hanging) return false;
    const message next = std::move(on.queue.front());
    on.queue.pop_front();
    fake_node& there = *nodes.at(on.letter);
    if (next.unit == 0) {
      routing.node_answered(id, view_by(there), now);
    } else {
      routing.replied(next.unit, there.run(next.commands, next.asking), now);
    }
    collect();
    return true;
  }
  // The connection breaks. Of its queue the node had taken this many messages.
  void cut(node_id id, std::size_t taken) {
    connection& on = connections.at(id);
    std::deque<message> lost = std::exchange(on.queue, {});
    on.ready = false;
    for (std::size_t i = 0; i < std::min(taken, lost.size()); ++i) {
      if (lost[i].unit != 0) nodes.at(on.letter)->run(lost[i].commands, lost[i].asking);
    }
    if (!on.closed) routing.node_lost(id, error(errc::connection_lost, "cut"), now);
    for (const message& each : lost) {
      if (each.unit == 0) continue;
      const bool write = callers.at(each.unit).kind == effect::write;
      routing.failed(each.unit, error(write ? errc::outcome_unknown : errc::connection_lost, "cut"), now);
    }
    collect();
  }
  void crash(char letter, std::size_t taken = 0) {
    nodes.at(letter)->up = false;
    for (const node_id id : to(letter)) cut(id, taken);
  }
  // Until the next thing that is due, at most this long. Requests whose deadline has passed lose their callers.
  void wait(milliseconds span) {
    now = std::max(now, std::min(now + span, routing.next_tick()));
    for (auto& [id, on] : connections) {
      for (message& each : on.queue) {
        if (each.unit == 0 || callers.at(each.unit).until > now) continue;
        const bool write = callers.at(each.unit).kind == effect::write;
        routing.failed(each.unit, error(write ? errc::outcome_unknown : errc::deadline, "late"), now);
      }
    }
    routing.tick(now);
    collect();
  }
  // Everything moves until nothing does any more.
  void run() {
    for (bool moved = true; moved;) {
      moved = false;
      for (const node_id id : open()) {
        connection& on = connections.at(id);
        const auto there = nodes.find(on.letter);
        if (!on.ready && !on.closed && there != nodes.end() && there->second->up) {
          connect(id);
          moved = true;
        }
        while (deliver(id)) moved = true;
      }
    }
  }
  // The same with time: until this unit has ended.
  void run_until_ended(unit_id id) {
    for (int i = 0; i < 5000 && !callers.at(id).ended(); ++i) {
      run();
      if (callers.at(id).ended()) break;
      for (const node_id each : open()) connect(each);
      wait(milliseconds(100));
    }
    EXPECT_TRUE(callers.at(id).ended());
  }

  // The open connections to a node; all.
  std::vector<node_id> to(char letter) {
    std::vector<node_id> out;
    for (const auto& [id, on] : connections) {
      if (on.letter == letter && (!on.closed || !on.queue.empty())) out.push_back(id);
    }
    return out;
  }
  std::vector<node_id> open() {
    std::vector<node_id> out;
    for (const auto& [id, on] : connections) {
      if (!on.closed || !on.queue.empty()) out.push_back(id);
    }
    return out;
  }
  // "done 7", "done 7 8", or the name of the error.
  std::string outcome(unit_id id) {
    const caller& who = callers.at(id);
    if (who.why) return std::string(name_of(who.why->code()));
    if (!who.answers) return "waits";
    std::string out = "done";
    for (const reply& each : *who.answers) out += each.is_error() ? " " + each.text : " " + std::to_string(each.integer);
    return out;
  }
  [[nodiscard]] int times_run(unit_id id, std::size_t place = 0) {
    return cluster.ran[callers.at(id).commands.at(place).token];
  }

  time_point now = time_point() + std::chrono::hours(1);
  test::fake_cluster cluster;
  std::map<char, std::unique_ptr<fake_node>> nodes;
  std::map<node_id, connection> connections;
  std::map<unit_id, caller> callers;
  std::vector<std::string> nodes_log;  // what was opened and closed
  router routing;
  // Called for each send, before it stands in its queue.
  std::function<void(const unit_send&, const caller&)> on_send;

 private:
  static std::vector<endpoint> places(const std::string& letters) {
    std::vector<endpoint> out;
    for (const char each : letters) out.push_back(at(each));
    return out;
  }
  cluster_view view_by(const fake_node& there) {
    cluster_view out;
    std::map<char, cluster_map::index> known;
    for (std::size_t i = 0; i < test::fake_parts; ++i) {
      const char owner = there.view[i];
      if (owner != '-') out.map.assign(part(i, test::fake_parts), out.map.add_primary(node_of(owner)));
    }
    out.map.add_replica(node_of(there.letter()));
    out.epoch = there.epoch;
    return out;
  }
  void collect() {
    std::vector<router_action> actions;
    for (routing.take_actions(actions); !actions.empty(); routing.take_actions(actions)) {
      for (router_action& each : actions) std::visit([this](auto& one) { take(one); }, each);
    }
  }
  void take(unit_send& send) {
    caller& who = callers.at(send.unit);
    ++who.sends;
    if (on_send) on_send(send, who);
    message made;
    made.unit = send.unit;
    made.asking = send.asking;
    if (send.commands.empty()) made.commands = who.commands;
    for (const std::size_t index : send.commands) made.commands.push_back(who.commands.at(index));
    connection& on = connections.at(send.node);
    EXPECT_TRUE(on.ready && !on.closed) << "sent to a node that is not there";
    on.queue.push_back(std::move(made));
  }
  void take(unit_done& done) {
    caller& who = callers.at(done.unit);
    EXPECT_FALSE(who.ended()) << "answered twice";
    who.answers = std::move(done.answers);
  }
  void take(unit_failed& failed) {
    caller& who = callers.at(failed.unit);
    EXPECT_FALSE(who.ended()) << "answered twice";
    who.why = std::move(failed.why);
  }
  void take(topology_action& action) {
    switch (action.what) {
      case topology_action::kind::open:
        connections[action.node].letter = action.at.host[0];
        nodes_log.push_back("open " + action.at.host);
        break;
      case topology_action::kind::close:
        connections.at(action.node).closed = true;
        nodes_log.push_back(std::string("close ") + connections.at(action.node).letter);
        std::erase_if(connections.at(action.node).queue, [](const message& each) { return each.unit == 0; });
        break;
      case topology_action::kind::ask:
        connections.at(action.node).queue.push_back(message());
        break;
      default:
        break;
    }
  }

  nat_map nat_;
  std::uint64_t tokens_ = 0, epoch_ = 1;
};

inline constexpr const char* three = "aaabbbcc";  // who has which part

// A cluster that is known, with a connection to each node.
class known_cluster : public router_stage {
 public:
  explicit known_cluster(router_rules rules = {}, const std::string& letters = "abcd")
      : router_stage(letters, three, "a", 1, rules) {
    run();
    for (int i = 0; i < 10; ++i) {
      wait(milliseconds(1000));
      run();
    }
  }
  [[nodiscard]] std::size_t sends(unit_id id) const { return callers.at(id).sends; }
};

}  // namespace mcpstate::redis
