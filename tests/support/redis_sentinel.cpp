// SPDX-License-Identifier: MIT
#include "support/redis_sentinel.hh"

#include <poll.h>

#include <algorithm>
#include <stdexcept>

#include "support/redis_ask.hh"
#include "support/turns/outside_turns.hh"

namespace mcpstate::test {
namespace {

std::string member_of(const redis::reply& all, const std::string& name) {
  for (std::size_t i = 0; i + 1 < all.items.size(); i += 2) {
    if (all.items[i].text == name) return all.items[i + 1].text;
  }
  return {};
}

std::string sentinel_config(std::uint16_t primary, const sentinel_trio_options& options) {
  const std::string name = redis_sentinel::name;
  std::string out = "sentinel resolve-hostnames yes\n";
  out += "sentinel monitor " + name + " 127.0.0.1 " + std::to_string(primary) + " " +
         std::to_string(options.sentinels / 2 + 1) + "\n";
  out += "sentinel down-after-milliseconds " + name + " " + std::to_string(options.down_after_ms) + "\n";
  out += "sentinel failover-timeout " + name + " 3000\n";
  for (const std::string& line : options.sentinel_lines) out += line + "\n";
  return out;
}

}  // namespace

redis_sentinel::redis_sentinel(sentinel_trio_options options) : options_(std::move(options)) {
  for (std::size_t i = 0; i <= options_.replicas; ++i) {
    redis_options made;
    made.args = {"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"};
    if (i != 0) {
      made.args.insert(made.args.end(), {"--replicaof", "127.0.0.1 " + std::to_string(servers_.front()->port())});
    }
    made.args.insert(made.args.end(), options_.server_args.begin(), options_.server_args.end());
    servers_.push_back(std::make_unique<redis_server>(std::move(made)));
  }
  for (std::size_t i = 1; i < servers_.size(); ++i) {
    wait_until("a replica has its data", [&] {
      return answer_text(server(i), {"INFO", "replication"}).find("master_link_status:up") != std::string::npos;
    });
  }
  wait_until("writes reach every replica", [&] { return has_copies(0); });
  for (std::size_t i = 0; i < options_.sentinels; ++i) {
    redis_options made;
    made.config = sentinel_config(servers_.front()->port(), options_);
    made.args = {"--sentinel"};
    sentinels_.push_back(std::make_unique<redis_server>(std::move(made)));
  }
  if (options_.sentinels == 1 && options_.replicas == 0) return;  // it knows all by its configuration
  for (const auto& each : sentinels_) wait_until("a Sentinel knows all", [&] { return knows_all(*each); });
}

redis::reply redis_sentinel::ask(redis_server& server, const std::vector<std::string>& command) {
  return ask_server(server, command);
}

std::string redis_sentinel::answer_text(redis_server& server, const std::vector<std::string>& command) {
  try {
    return ask(server, command).text;
  } catch (const std::runtime_error&) {
    return {};  // it does not run
  }
}

bool redis_sentinel::has_copies(std::size_t primary) {
  const std::string probe = std::to_string(++probes_);
  ask(server(primary), {"SET", "probe", probe, "PX", "60000"});
  for (int tries = 0; tries < 20; ++tries) {
    std::size_t without = 0;
    for (std::size_t i = 0; i < servers(); ++i) {
      if (i != primary && server(i).pid() >= 0 && answer_text(server(i), {"GET", "probe"}) != probe) ++without;
    }
    if (without == 0) return true;
    const outside_turns own;
    ::poll(nullptr, 0, 5);
  }
  return false;
}

bool redis_sentinel::knows_all(redis_server& sentinel) {
  const redis::reply seen = ask(sentinel, {"SENTINEL", "MASTER", name});
  return member_of(seen, "num-other-sentinels") == std::to_string(options_.sentinels - 1) &&
         member_of(seen, "num-slaves") == std::to_string(options_.replicas) && member_of(seen, "flags") == "master";
}

std::size_t redis_sentinel::index_of(std::uint16_t port) const {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (servers_[i]->port() == port) return i;
  }
  throw std::runtime_error("no server of ours has this port");
}

std::size_t redis_sentinel::primary_by(std::size_t index) {
  const redis::reply named = ask(sentinel(index), {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", name});
  return index_of(static_cast<std::uint16_t>(std::stoi(named.items.at(1).text)));
}

bool redis_sentinel::is_primary(std::size_t index) {
  return answer_text(server(index), {"INFO", "replication"}).find("role:master") != std::string::npos;
}

void redis_sentinel::rejoin(std::size_t index) {
  const std::string present = "127.0.0.1 " + std::to_string(server(primary_by(1)).port());
  server(index).args().insert(server(index).args().end(), {"--replicaof", present});
  server(index).restart();
}

void redis_sentinel::demote(std::size_t index) {
  ask(server(index), {"REPLICAOF", "127.0.0.1", std::to_string(server(primary_by(1)).port())});
}

void redis_sentinel::wait_settled() {
  wait_until("the Sentinels agree, and all follow", [&] {
    std::size_t chosen = servers();
    for (const auto& each : sentinels_) {
      if (each->pid() < 0) continue;
      const redis::reply seen = ask(*each, {"SENTINEL", "MASTER", name});
      const std::size_t named = index_of(static_cast<std::uint16_t>(std::stoi(member_of(seen, "port"))));
      if (member_of(seen, "flags") != "master" || (chosen != servers() && named != chosen)) return false;
      chosen = named;
    }
    if (chosen == servers() || !is_primary(chosen)) return false;
    for (std::size_t i = 0; i < servers(); ++i) {
      if (i == chosen || server(i).pid() < 0) continue;
      const std::string info = answer_text(server(i), {"INFO", "replication"});
      if (info.find("master_port:" + std::to_string(server(chosen).port())) == std::string::npos) return false;
      if (info.find("master_link_status:up") == std::string::npos) return false;
    }
    return has_copies(chosen);
  });
}

void redis_sentinel::wait_a_little(const char* what, std::chrono::steady_clock::time_point until) {
  if (std::chrono::steady_clock::now() > until) {
    std::string logs;
    for (const auto& each : servers_) logs += each->log() + "\n";
    for (const auto& each : sentinels_) logs += each->log() + "\n";
    throw std::runtime_error(std::string("in vain: ") + what + "\n" + logs);
  }
  const outside_turns own;
  ::poll(nullptr, 0, 20);
}

}  // namespace mcpstate::test
