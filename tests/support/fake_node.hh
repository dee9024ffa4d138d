// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "redis/reply.hh"
#include "redis/topology/slot.hh"

// Nodes of a cluster as a program can play them, without sockets: who owns what by whose view, slots that are being moved key by
// key, nodes that load or were demoted. They answer as redis-server does, and count how often each command ran.
namespace mcpstate::test {

// One command. Its keys are numbers inside a part of the slots.
struct fake_command {
  std::uint64_t token = 0;  // identifies it; its answer is this number
  std::size_t part = 0;
  std::vector<int> keys{0};
  enum class verb { plain, multi, exec } what = verb::plain;
};

// The slots in equal parts, each of which is moved as one.
inline constexpr std::size_t fake_parts = 8;
inline std::uint16_t slot_of_part(std::size_t part) {
  return static_cast<std::uint16_t>(part * (redis::slot_count / fake_parts));
}

class fake_node;

// What is true of all nodes, whatever they believe.
struct fake_cluster {
  std::map<std::uint64_t, int> ran;            // how often, by token
  std::map<std::size_t, std::set<int>> moved;  // keys that have reached the target, by part that is being moved
  std::map<char, fake_node*> nodes;
};

class fake_node {
 public:
  fake_node(char letter, fake_cluster& all) : letter_(letter), all_(all) { all.nodes[letter] = this; }
  fake_node(const fake_node&) = delete;
  fake_node& operator=(const fake_node&) = delete;

  [[nodiscard]] char letter() const noexcept { return letter_; }

  // How this node sees the cluster: a letter for each part, '-' for nobody.
  std::string view;
  std::uint64_t epoch = 0;
  bool up = true, loading = false, hanging = false;
  std::map<std::size_t, char> migrating, importing;  // by part
  // Says instead of everything else, until it is empty.
  std::string always;

  // The replies to a unit, in order. Each command is judged by itself, transactions as a whole.
  std::vector<redis::reply> run(const std::vector<fake_command>& commands, bool asking) {
    std::vector<redis::reply> out;
    const bool atomic = !commands.empty() && commands.front().what == fake_command::verb::multi;
    if (!atomic) {
      for (const fake_command& each : commands) out.push_back(run(each, asking));
      return out;
    }
    bool refused = false;
    out.push_back(text(redis::reply::type::string, "OK"));
    for (std::size_t i = 1; i + 1 < commands.size(); ++i) {
      const std::string why = refusal(commands[i], asking);
      refused = refused || !why.empty();
      out.push_back(why.empty() ? text(redis::reply::type::string, "QUEUED") : text(redis::reply::type::error, why));
    }
    if (refused) {
      out.push_back(text(redis::reply::type::error, "EXECABORT Transaction discarded because of previous errors."));
      return out;
    }
    redis::reply all;
    all.kind = redis::reply::type::array;
    for (std::size_t i = 1; i + 1 < commands.size(); ++i) all.items.push_back(apply(commands[i]));
    out.push_back(std::move(all));
    return out;
  }

 private:
  static redis::reply text(redis::reply::type kind, std::string what) {
    redis::reply out;
    out.kind = kind;
    out.text = std::move(what);
    return out;
  }

  redis::reply run(const fake_command& each, bool asking) {
    const std::string why = refusal(each, asking);
    return why.empty() ? apply(each) : text(redis::reply::type::error, why);
  }

  redis::reply apply(const fake_command& each) {
    ++all_.ran[each.token];
    redis::reply out;
    out.kind = redis::reply::type::integer;
    out.integer = static_cast<std::int64_t>(each.token);
    return out;
  }

  // Why it does not run here; empty when it does.
  std::string refusal(const fake_command& each, bool asking) {
    if (!always.empty()) return always;
    if (loading) return "LOADING Redis is loading the dataset in memory";
    const std::string slot = std::to_string(slot_of_part(each.part)) + " ";
    const char owner = view[each.part];
    const auto there = [&](int key) { return all_.moved[each.part].contains(key); };
    const auto arrived = std::count_if(each.keys.begin(), each.keys.end(), there);
    const bool whole = arrived == 0 || arrived == static_cast<std::ptrdiff_t>(each.keys.size());
    if (owner == letter_) {
      const auto target = migrating.find(each.part);
      if (target == migrating.end() || arrived == 0) return {};
      return whole ? "ASK " + slot + target->second + ":1" : "TRYAGAIN Multiple keys request during rehashing of slot";
    }
    if (asking && importing.contains(each.part)) {
      const bool missing = arrived != static_cast<std::ptrdiff_t>(each.keys.size());
      return missing && each.keys.size() > 1 ? "TRYAGAIN Multiple keys request during rehashing of slot" : "";
    }
    if (owner == '-') return "CLUSTERDOWN Hash slot not served";
    return "MOVED " + slot + owner + ":1";
  }

  char letter_;
  fake_cluster& all_;
};

}  // namespace mcpstate::test
