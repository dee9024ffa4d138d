// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis/sentinel/sentinel_fsm.hh"

// Scripted Sentinels around a sentinel_fsm: what each knows, which of them answer, and what is on its way. No sockets; time is
// a number.
namespace mcpstate::redis {

inline constexpr std::uint16_t sentinel_port = 26379;

inline endpoint server_at(char name) { return endpoint(std::string(1, name), 6379); }
inline endpoint sentinel_at(char name) { return endpoint(std::string(1, name), sentinel_port); }

struct fake_sentinel {
  bool up = true;
  bool silent = false;  // connected, and answers nothing
  char primary = 'a';
  std::uint64_t epoch = 1;
  bool down = false, failing_over = false;
  std::optional<error> refusal;
  std::vector<std::string> peers;  // of one letter each
};

class sentinel_stage {
 public:
  using time_point = sentinel_fsm::time_point;
  using milliseconds = std::chrono::milliseconds;

  // `all` are the Sentinels, one letter each, of which `seeds` are known from the start.
  sentinel_stage(const std::string& all, const std::string& seeds, std::uint64_t random = 1, sentinel_rules rules = {})
      : fsm(rules, seeds_of(seeds), random) {
    for (const char each : all) {
      fake_sentinel made;
      for (const char other : all) {
        if (other != each) made.peers.emplace_back(1, other);
      }
      sentinels.emplace(each, std::move(made));
    }
  }

  void start() {
    fsm.start(now);
    run();
  }

  // Carries out what is wanted; everybody who is up answers at once.
  void run() {
    for (auto batch = fsm.take_actions(); !batch.empty(); batch = fsm.take_actions()) {
      for (const sentinel_action& each : batch) carry_out(each);
      if (!by_hand) deliver_all();
    }
  }
  void wait(milliseconds time) {
    const time_point until = now + time;
    while (fsm.next_tick() <= until) {
      now = std::max(now, fsm.next_tick());
      fsm.tick(now);
      run();
    }
    now = until;
    fsm.tick(now);
    run();
  }
  void deliver_all() {
    while (!asked.empty()) deliver(0);
  }
  // Answers one question, as of now.
  void deliver(std::size_t index) {
    const sentinel_id which = asked[index];
    asked.erase(asked.begin() + static_cast<std::ptrdiff_t>(index));
    const auto found = connections.find(which);
    if (found == connections.end()) return;
    const fake_sentinel& said = sentinels.at(found->second);
    if (said.silent) {
      unanswered.push_back(which);
    } else if (said.refusal) {
      fsm.answered(which, *said.refusal, now);
    } else {
      fsm.answered(which, view_of(found->second), now);
    }
  }
  void time_out_silent() {
    for (const sentinel_id each : std::exchange(unanswered, {})) fsm.answered(each, error(errc::deadline, "silent"), now);
    run();
  }
  void push_switch(char sentinel, char from, char to) {
    for (const auto& [id, name] : connections) {
      if (name == sentinel) return fsm.switched(id, primary_switch(server_at(from), server_at(to)), now);
    }
  }
  void crash(char name) {
    sentinels.at(name).up = false;
    for (const auto& [id, who] : connections) {
      if (who == name) fsm.lost(id, error(errc::connection_lost, "gone"), now);
    }
    std::erase_if(asked, [&](sentinel_id id) { return connections.contains(id) && connections.at(id) == name; });
  }
  void revive(char name) {
    sentinels.at(name).up = true;
    for (const auto& [id, who] : connections) {
      if (who == name) fsm.ready(id, now);
    }
  }
  void promote(const std::string& knowing, char primary, std::uint64_t epoch) {
    for (const char each : knowing) {
      sentinels.at(each).primary = primary;
      sentinels.at(each).epoch = epoch;
    }
  }
  [[nodiscard]] char target() const { return fsm.target() == nullptr ? '-' : fsm.target()->host.front(); }
  [[nodiscard]] milliseconds confirmed_since() const {
    const auto at = fsm.confirmed_at();
    return at ? std::chrono::duration_cast<milliseconds>(now - *at) : milliseconds(-1);
  }
  [[nodiscard]] std::string open() const {
    std::string out;
    for (const auto& [id, name] : connections) out += name;
    std::sort(out.begin(), out.end());
    return out;
  }
  [[nodiscard]] sentinel_view view_of(char name) const {
    const fake_sentinel& said = sentinels.at(name);
    sentinel_view out;
    out.primary = server_at(said.primary);
    out.epoch = said.epoch;
    out.down = said.down;
    out.failing_over = said.failing_over;
    out.sentinels = said.peers.size() + 1;
    out.id = std::string("id") + name;
    out.down_after = milliseconds(1000);
    for (const std::string& peer : said.peers) out.peers.emplace_back(sentinel_at(peer.front()), "id" + peer);
    return out;
  }

  time_point now{std::chrono::hours(1)};
  sentinel_fsm fsm;
  std::map<char, fake_sentinel> sentinels;
  std::map<sentinel_id, char> connections;
  std::vector<sentinel_id> asked, unanswered;
  std::vector<char> targets;  // each change; '-' for none
  bool by_hand = false;       // answers are delivered one by one

 private:
  static std::vector<endpoint> seeds_of(const std::string& names) {
    std::vector<endpoint> out;
    for (const char each : names) out.push_back(sentinel_at(each));
    return out;
  }
  void carry_out(const sentinel_action& what) {
    using kind = sentinel_action::kind;
    if (what.what == kind::open) open_connection(what);
    if (what.what == kind::close) connections.erase(what.on);
    if (what.what == kind::ask) asked.push_back(what.on);
    if (what.what == kind::target) targets.push_back(target());
  }
  void open_connection(const sentinel_action& what) {
    const char name = what.at.host.front();
    connections.emplace(what.on, name);
    const auto found = sentinels.find(name);
    if (found != sentinels.end() && found->second.up) return fsm.ready(what.on, now);
    fsm.lost(what.on, error(errc::connect_failed, "refused"), now);
  }
};

}  // namespace mcpstate::redis
