// SPDX-License-Identifier: MIT
#include "support/redis_cluster.hh"

#include <poll.h>

#include <stdexcept>

#include "redis/topology/slot.hh"
#include "support/redis_ask.hh"

namespace mcpstate::test {
namespace {

redis_options node_options(std::uint16_t bus_port) {
  redis_options out;
  const auto add = [&out](const char* name, std::string value) {
    out.args.emplace_back(name);
    out.args.push_back(std::move(value));
  };
  add("--cluster-enabled", "yes");
  add("--cluster-config-file", "nodes.conf");
  add("--cluster-node-timeout", "1500");
  add("--cluster-port", std::to_string(bus_port));
  add("--repl-diskless-sync-delay", "0");
  return out;
}

}  // namespace

redis_cluster::redis_cluster(std::size_t primaries, std::size_t replicas) : primaries_(primaries) {
  for (std::size_t i = 0; i < primaries + replicas; ++i) {
    bus_ports_.push_back(free_port());
    servers_.push_back(std::make_unique<redis_server>(node_options(bus_ports_.back())));
    ids_.push_back(ask(i, {"CLUSTER", "MYID"}).text);
  }
  for (std::size_t i = 0; i < primaries; ++i) {
    const std::size_t size = redis::slot_count / primaries;
    const std::size_t last = i + 1 == primaries ? redis::slot_count - 1u : (i + 1) * size - 1;
    ask(i, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(i * size), std::to_string(last)});
    ask(i, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
  }
  for (std::size_t i = 1; i < size(); ++i) {
    ask(0, {"CLUSTER", "MEET", "127.0.0.1", std::to_string(server(i).port()), std::to_string(bus_ports_[i])});
  }
  for (std::size_t i = 0; i < replicas; ++i) {
    const std::size_t self = primaries + i;
    wait_until("a replica joins", [&] { return ask(self, {"CLUSTER", "REPLICATE", ids_[i % primaries]}).text == "OK"; });
  }
  for (std::size_t i = 0; i < size(); ++i) wait_until("the cluster works", [&] { return works(i); });
}

std::size_t redis_cluster::first_owner(std::uint16_t slot) const {
  return std::min(primaries_ - 1, slot / (redis::slot_count / primaries_));
}

bool redis_cluster::works(std::size_t index) {
  const std::string info = ask(index, {"CLUSTER", "INFO"}).text;
  const auto has = [](const std::string& text, const std::string& line) { return text.find(line) != std::string::npos; };
  if (!has(info, "cluster_state:ok") || !has(info, "cluster_known_nodes:" + std::to_string(size()))) return false;
  return index < primaries_ || has(ask(index, {"INFO", "replication"}).text, "master_link_status:up");
}

redis::reply redis_cluster::ask(std::size_t index, const std::vector<std::string>& command) {
  return ask_server(server(index), command);
}

void redis_cluster::wait_a_little(const char* what, std::chrono::steady_clock::time_point until) {
  if (std::chrono::steady_clock::now() > until) {
    std::string logs;
    for (const auto& each : servers_) logs += each->log() + "\n";
    throw std::runtime_error(std::string("in vain: ") + what + "\n" + logs);
  }
  ::poll(nullptr, 0, 20);
}

}  // namespace mcpstate::test
