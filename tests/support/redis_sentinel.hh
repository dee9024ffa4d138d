// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "redis/reply.hh"
#include "support/redis_server.hh"

// A real primary with replicas, and Sentinels that watch it. Blocking; for tests. Make it on the main thread, as redis_server.
namespace mcpstate::test {

struct sentinel_trio_options {
  sentinel_trio_options() {}
  std::size_t replicas = 2, sentinels = 3;
  std::vector<std::string> server_args;     // of the primary and of each replica
  std::vector<std::string> sentinel_lines;  // of the configuration of each Sentinel
  int down_after_ms = 1000;
};

class redis_sentinel {
 public:
  static constexpr const char* name = "mymaster";

  // Starts the servers and waits until each replica has its data, and each Sentinel knows all others and all replicas.
  explicit redis_sentinel(sentinel_trio_options options = {});

  // The first server is the primary at first.
  [[nodiscard]] redis_server& server(std::size_t index) { return *servers_.at(index); }
  [[nodiscard]] redis_server& sentinel(std::size_t index) { return *sentinels_.at(index); }
  [[nodiscard]] std::size_t servers() const noexcept { return servers_.size(); }
  [[nodiscard]] std::size_t sentinels() const noexcept { return sentinels_.size(); }
  // By number, of the server that a Sentinel names. Throws when it does not answer.
  [[nodiscard]] std::size_t primary_by(std::size_t sentinel);
  [[nodiscard]] std::size_t index_of(std::uint16_t port) const;
  redis::reply ask(redis_server& server, const std::vector<std::string>& command);
  // Whether the server is a primary by its own words.
  [[nodiscard]] bool is_primary(std::size_t index);
  // A server that was killed comes back, empty, as a replica; one that was a primary before becomes one at once, which Sentinels
  // do after some seconds.
  void rejoin(std::size_t index);
  void demote(std::size_t index);
  // Waits until each Sentinel that runs names this one, and all other servers that run follow it; each Sentinel is then ready
  // for the next failover.
  void wait_settled();

  // Waits until this holds; throws with the servers' logs when it does not within half a minute.
  template <class Condition>
  void wait_until(const char* what, Condition holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) wait_a_little(what, until);
  }

 private:
  void wait_a_little(const char* what, std::chrono::steady_clock::time_point until);
  // Whether what is written to this server reaches all others that run, at once.
  [[nodiscard]] bool has_copies(std::size_t primary);
  [[nodiscard]] bool knows_all(redis_server& sentinel);
  [[nodiscard]] std::string answer_text(redis_server& server, const std::vector<std::string>& command);

  sentinel_trio_options options_;
  int probes_ = 0;
  std::vector<std::unique_ptr<redis_server>> servers_, sentinels_;
};

}  // namespace mcpstate::test
