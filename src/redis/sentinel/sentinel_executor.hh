// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "net/dial.hh"
#include "redis/executor.hh"
#include "redis/sentinel/sentinel_fsm.hh"

// Executors on the primary that Redis Sentinel names.
//
//     auto watch = redis::make_sentinel_watch(io.get_executor(), config);
//     auto commands = redis::make_sentinel_executor(watch, config.link);
//     commands->start();
//
// A watch is connected to every Sentinel, and knows the primary (redis/sentinel/sentinel_fsm.hh says how). Each of its executors
// has one link, to the primary of the moment. It is used only while the server says by ROLE that it is a primary.
// When a Sentinel tells of a switch, or a majority names another server, every executor of the watch leaves the old primary in
// the same turn: what was sent there and is not answered yet ends, a write with outcome_unknown, and an answer that still
// comes is not believed. on_state(old, false) comes before any push or state of the new primary, and nothing of the old one after
// it. What was not sent waits for the new primary until its deadline; so does a read that was sent, and a request of
// which the server ran nothing because it is a replica (READONLY), loads its data or has lost its primary.
// Requests fail at once, as those of a link do, when no Sentinel can be asked while the primary does not answer, and when the
// primary refuses us (password, TLS, version).
namespace mcpstate::redis {

struct sentinel_config {
  sentinel_config() {}
  link_config link;                 // how the primary is reached; host, port and unix_path are not used
  std::vector<endpoint> sentinels;  // at least one
  std::string name;                 // under which the Sentinels know the primary
  // How the Sentinels are reached. They have users and passwords of their own; certificates are verified as the link's are.
  std::string sentinel_user;
  secret_text sentinel_password;
  bool sentinel_tls = false;
  nat_map nat;  // of both
  sentinel_rules rules;
};

class sentinel_watch;

[[nodiscard]] std::shared_ptr<sentinel_watch> make_sentinel_watch(asio::any_io_executor home, sentinel_config config,
                                                                  net::resolver look_up = aio::look_up);

enum class write_rule {
  always,
  // A write is refused with read_only while no majority of Sentinels has confirmed the primary for as long as they themselves
  // would wait before they replace it. By then another primary may have its place.
  while_confirmed,
};

// On the executor of the watch, which starts with its first executor and ends with the last. `link` differs from that of the
// watch where this executor tracks keys, or has another name.
[[nodiscard]] std::shared_ptr<executor> make_sentinel_executor(std::shared_ptr<sentinel_watch> watch, link_config link,
                                                               write_rule rule = write_rule::always);

}  // namespace mcpstate::redis
