// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/secret_text.hh"
#include "redis/server_hello.hh"

// What a link is configured with, as a value. Pure, so that the state machines below the link can share it.
namespace mcpstate::redis {

struct link_config {
  link_config() {}
  std::string host = "localhost";
  std::uint16_t port = 6379;
  std::string unix_path;  // set: a unix socket instead of host and port
  bool tls = false;       // host and port only
  std::string ca_file;    // instead of the system's certificates
  // What the link shows to a server that asks: a certificate, and its key; key_file may be empty where cert_file has both.
  std::string cert_file, key_file;
  bool tls_verify = true;       // certificate chain and host name
  bool tls_verify_host = true;  // false: the chain only
  std::string user;
  secret_text password;  // without a user it is the default user's
  // Read before each attempt, in place of `password`: see read_secret_file().
  std::string password_file;
  // Hears, once for each state of them, that one of these files has changed and cannot be used, and why; the link goes on with what
  // it has read before. Empty: such a file fails the attempt. Executor: the link's.
  std::function<void(std::string_view why)> on_stale_credentials;
  int database = 0;
  expected_server expected;  // anything else that answers is refused, on every connect and every check
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
  // Between attempts, with full jitter. While requests come, no pause is longer than wanted_backoff_max.
  std::chrono::milliseconds backoff_min{50}, backoff_max{5000}, wanted_backoff_max{250};
  std::size_t max_pending_commands = 65536;            // waiting or in flight; more is queue_full
  std::size_t max_pending_bytes = 256u * 1024 * 1024;  // encoded, not yet written; more is queue_full
  std::size_t max_reply_bytes = 512u * 1024 * 1024;    // one reply; more breaks the connection (protocol)
  // How often the server is asked who it is (HELLO): it may have stopped to answer, or become a replica.
  std::chrono::milliseconds ping_after{15000};
  // How long the answer to that may take. A connection on which a reply is overdue and nothing at all has arrived for this
  // time counts as dead, and is replaced. 0: connect_timeout.
  std::chrono::milliseconds answer_within{0};
};

// Whether losing the answer matters: a lost read is connection_lost or deadline, a lost write outcome_unknown.
enum class effect { read, write };

}  // namespace mcpstate::redis
