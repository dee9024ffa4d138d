// SPDX-License-Identifier: MIT
#include "redis/server_hello.hh"

#include <charconv>
#include <string_view>
#include <utility>

namespace mcpstate::redis {
namespace {

constexpr int oldest_major = 7;

int major_of(std::string_view version) noexcept {
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  return major;
}

using kind = expected_server::kind;

std::optional<error> judge_mode(const std::string& mode, kind expected) {
  const auto refuse = [](const char* words) { return std::optional(error(errc::unsupported, words)); };
  if (expected == kind::any || mode.empty()) return std::nullopt;
  if (mode == "sentinel") {
    if (expected == kind::sentinel) return std::nullopt;
    return refuse(
        "a Sentinel answers there, which stores nothing; use the port of the server that it watches, or redis-sentinel://");
  }
  if (expected == kind::sentinel) return refuse("no Sentinel answers there; name the ports of the Sentinels");
  const bool is_node = mode == "cluster";
  if (is_node && expected == kind::standalone) {
    return refuse("a node of a Redis Cluster answers there, which has only a part of the keys; use redis-cluster://");
  }
  if (!is_node && expected == kind::cluster_node) {
    return refuse("a server of its own answers there, no node of a cluster; use redis://");
  }
  return std::nullopt;
}

}  // namespace

bool is_replica(const server_hello& hello) noexcept { return hello.role == "replica" || hello.role == "slave"; }

std::optional<server_hello> read_hello(const reply& answer) {
  if (answer.kind != reply::type::map) return std::nullopt;
  server_hello found;
  for (std::size_t i = 0; i + 1 < answer.items.size(); i += 2) {
    const std::string& key = answer.items[i].text;
    const std::string& value = answer.items[i + 1].text;
    if (key == "server") found.server = value;
    if (key == "version") found.version = value;
    if (key == "mode") found.mode = value;
    if (key == "role") found.role = value;
  }
  return found;
}

std::optional<error> judge(const server_hello& hello, const expected_server& expected) {
  // Valkey's first release says 7.2, and none was ever older than Redis 7.0.
  if (hello.server != "valkey" && major_of(hello.version) < oldest_major) {
    return error(errc::unsupported, "needs Redis 7.0 or Valkey; this server is older", hello.server + " " + hello.version);
  }
  if (auto refused = judge_mode(hello.mode, expected.what)) return refused;
  const bool has_role = expected.what != kind::any && hello.mode != "sentinel";
  if (!has_role || expected.replica_allowed || !is_replica(hello)) return std::nullopt;
  return error(
      errc::read_only,
      "the server is a replica, which may lack what its primary has, and refuses writes; use the URL of the primary");
}

}  // namespace mcpstate::redis
