// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis/topology/topology_fsm.hh"
#include "unit/redis/topology/maps.hh"

namespace mcpstate::redis {

using std::chrono::milliseconds;
using texts = std::vector<std::string>;
using time_point = topology_fsm::time_point;

inline server_hello hello(std::string mode = "cluster", std::string role = "master") {
  server_hello out;
  out.server = "redis";
  out.version = "7.0.15";
  out.mode = std::move(mode);
  out.role = std::move(role);
  return out;
}

inline error refused() { return error(errc::connect_failed, "refused"); }

// A topology whose nodes are letters.
class topology_stage {
 public:
  explicit topology_stage(const std::string& seeds, topology_rules rules = {}) : fsm(rules, places(seeds), 1) {
    fsm.start(now);
    collect();
  }

  // The latest connection to a node.
  node_id node(char letter) const { return nodes_.at(letter); }
  void ready(char letter, const server_hello& said = hello(), const std::string& id = "") {
    fsm.ready(node(letter), said, id.empty() ? std::string("id-") + letter : id, now);
    collect();
  }
  void lose(char letter, error why = refused()) {
    fsm.lost(node(letter), std::move(why), now);
    collect();
  }
  void answer(char letter, result<cluster_view> said) {
    fsm.answered(node(letter), std::move(said), now);
    collect();
  }
  node_id move(std::uint16_t slot, std::optional<endpoint> to, char from) {
    const node_id out = fsm.moved(slot, to, node(from), now);
    collect();
    return out;
  }
  void doubt() {
    fsm.doubt(now);
    collect();
  }
  void wait(milliseconds span) {
    const time_point end = now + span;
    while (fsm.next_tick() <= end) {
      now = std::max(now, fsm.next_tick());
      fsm.tick(now);
      collect();
    }
    now = end;
  }
  // What was wanted since the last look.
  texts seen() { return std::exchange(seen_, {}); }
  // The letters of the nodes that were asked since the last look at these.
  std::string asked() {
    std::string out = std::exchange(asked_, {});
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string owner(std::uint16_t slot) const {
    const endpoint* const place = fsm.place(fsm.owner(slot));
    return place == nullptr ? "nobody" : place->host + (fsm.usable(fsm.owner(slot)) ? "" : " unusable");
  }
  // A cluster of these nodes, up and known.
  void settle(const std::string& letters, std::uint64_t epoch = 1) {
    ready(letters[0]);
    answer(letters[0], view_of(letters, epoch));
    for (const char each : letters.substr(1)) ready(each);
    calm(view_of(letters, epoch));
  }
  // Whom the next refresh asks; nobody, if none comes within this time.
  std::string asked_within(milliseconds span) {
    const time_point end = now + span;
    std::string out = asked();
    while (out.empty() && fsm.next_tick() <= end) {
      now = std::max(now, fsm.next_tick());
      fsm.tick(now);
      collect();
      out = asked();
    }
    return out;
  }
  // Answers whoever is asked until nobody is any more.
  void calm(const cluster_view& said) {
    for (int i = 0; i < 20; ++i) {
      for (const char each : asked()) answer(each, cluster_view(said));
      wait(milliseconds(100));
    }
    seen();
  }

  time_point now = time_point() + std::chrono::hours(1);
  topology_fsm fsm;

 private:
  static std::vector<endpoint> places(const std::string& letters) {
    std::vector<endpoint> out;
    for (const char each : letters) out.push_back(at(each));
    return out;
  }
  char letter(node_id node) const { return letters_.at(node); }
  void collect() {
    for (const topology_action& each : fsm.take_actions()) note(each);
  }
  void note(const topology_action& each) {
    switch (each.what) {
      case topology_action::kind::open:
        nodes_[each.at.host[0]] = each.node;
        letters_[each.node] = each.at.host[0];
        return seen_.push_back("open " + each.at.host);
      case topology_action::kind::close:
        return seen_.push_back(std::string("close ") + letter(each.node));
      case topology_action::kind::ask:
        asked_ += letter(each.node);
        return seen_.push_back(std::string("ask ") + letter(each.node));
      case topology_action::kind::changed: {
        std::string text = "changed";
        for (const slot_range& r : each.slots) text += " " + std::to_string(r.first) + "-" + std::to_string(r.last);
        return seen_.push_back(text);
      }
      case topology_action::kind::fail:
        return seen_.push_back("fail " + std::string(name_of(each.why->code())));
    }
  }

  std::map<char, node_id> nodes_;
  std::map<node_id, char> letters_;
  texts seen_;
  std::string asked_;
};

}  // namespace mcpstate::redis
