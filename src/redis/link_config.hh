// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/text/secret_text.hh"

// What a link is configured with, and what it finds out, as values. Pure, so that the state machines below the link can
// share them.
namespace mcpstate::redis {

struct link_config {
  link_config() {}
  std::string host = "localhost";
  std::uint16_t port = 6379;
  std::string unix_path;   // set: a unix socket instead of host and port
  bool tls = false;        // host and port only
  std::string ca_file;     // instead of the system's certificates
  bool tls_verify = true;  // certificate chain and host name
  std::string user;
  secret_text password;  // without a user it is the default user's
  int database = 0;
  std::string client_name = "mcpstate";
  // Not empty: CLIENT TRACKING ON BCAST for these key prefixes, as part of every handshake.
  std::vector<std::string> tracking_prefixes;
  // CLIENT TRACKING ON, as part of every handshake: a push says when a key that was read over this connection has changed.
  // Excludes tracking_prefixes.
  bool track_reads = false;
  // Not empty: SUBSCRIBE to these channels, as part of every handshake; messages come as pushes. A user who may not hear them
  // is connected without.
  std::vector<std::string> channels;
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);  // look-up, connect, TLS and handshake together
  std::chrono::milliseconds backoff_min{50}, backoff_max{5000};         // between attempts, with full jitter
  std::size_t max_pending_commands = 65536;                             // waiting or in flight; more is queue_full
  std::size_t max_pending_bytes = 256u * 1024 * 1024;                   // encoded, not yet written; more is queue_full
  std::size_t max_reply_bytes = 512u * 1024 * 1024;                     // one reply; more breaks the connection (protocol)
  // Silence after which a PING is sent. A connection on which a reply is overdue and nothing at all has arrived for
  // connect_timeout counts as dead, and is replaced.
  std::chrono::milliseconds ping_after{15000};
};

// What the server said of itself in HELLO.
struct server_hello {
  std::string server;   // "redis", "valkey"
  std::string version;  // "7.0.15"
  std::string mode;     // "standalone", "cluster", "sentinel"
  std::string role;     // "master", "replica"
};

// Whether losing the answer matters: a lost read is connection_lost or deadline, a lost write outcome_unknown.
enum class effect { read, write };

}  // namespace mcpstate::redis
