// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "redis/reply.hh"
#include "support/redis_server.hh"

// A real Redis Cluster of one's own: so many primaries with equal parts of the slots, and a replica for each of the first ones.
// Blocking; for tests. Make it on the main thread, as redis_server.
namespace mcpstate::test {

class redis_cluster {
 public:
  // Starts the servers and waits until each of them says that the cluster works and every replica has its data.
  explicit redis_cluster(std::size_t primaries = 3, std::size_t replicas = 3);

  // Primaries first, as they were made.
  [[nodiscard]] redis_server& server(std::size_t index) { return *servers_.at(index); }
  [[nodiscard]] std::size_t size() const noexcept { return servers_.size(); }
  // By number: which primary was given this slot.
  [[nodiscard]] std::size_t first_owner(std::uint16_t slot) const;
  // What a server answers to one command, over its unix socket.
  redis::reply ask(std::size_t index, const std::vector<std::string>& command);
  [[nodiscard]] const std::string& id(std::size_t index) const { return ids_.at(index); }
  // Waits until this holds; throws with the servers' logs when it does not within half a minute.
  template <class Condition>
  void wait_until(const char* what, Condition holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) wait_a_little(what, until);
  }

 private:
  void wait_a_little(const char* what, std::chrono::steady_clock::time_point until);
  [[nodiscard]] bool works(std::size_t index);

  std::size_t primaries_;
  std::vector<std::unique_ptr<redis_server>> servers_;
  std::vector<std::string> ids_;
  std::vector<std::uint16_t> bus_ports_;
};

}  // namespace mcpstate::test
