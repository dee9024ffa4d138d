// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include <mcpstate/core/error.hpp>

#include "redis/reply.hh"

// Who answers: what a server says of itself (HELLO), and whether that is what was asked for. Pure.
//
// A replica, a Sentinel or one node of a cluster answers most reads, with less than there is. So each connection is judged
// before it is used, and again while it is used: a server can change its role.
namespace mcpstate::redis {

// What the server said of itself in HELLO.
struct server_hello {
  server_hello() {}
  std::string server;   // "redis", "valkey"
  std::string version;  // "7.0.15"
  std::string mode;     // "standalone", "cluster", "sentinel"
  std::string role;     // "master", "replica"
};

// What may answer on a link.
struct expected_server {
  enum class kind { standalone, cluster_node, sentinel, any };
  expected_server() {}
  expected_server(kind asked, bool replica) : what(asked), replica_allowed(replica) {}
  kind what = kind::standalone;
  bool replica_allowed = false;  // else only a primary; of a standalone server or a node
};

// Servers and versions differ in the word.
[[nodiscard]] bool is_replica(const server_hello& hello) noexcept;

// Reads the answer to HELLO. Absent: it is none.
[[nodiscard]] std::optional<server_hello> read_hello(const reply& answer);

// Why this server is not the one that was asked for; absent: it is. All are cond::unavailable: unsupported for a server that
// is too old or of another kind, read_only for a replica. What a server leaves out of HELLO is not held against it.
[[nodiscard]] std::optional<error> judge(const server_hello& hello, const expected_server& expected);

}  // namespace mcpstate::redis
