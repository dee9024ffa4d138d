// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/core/owner.hpp>

// Who keeps a managed connection. Any number of processes share a store; each managed connection has one keeper at a time,
// through a lease that runs out on its own. Value types.
namespace mcpstate {

// One managed connection.
struct managed_name {
  managed_name(owner who, server_name name) : whose(std::move(who)), server(std::move(name)) {}
  owner whose;
  server_name server;
  friend bool operator==(const managed_name&, const managed_name&) = default;
  friend auto operator<=>(const managed_name&, const managed_name&) = default;
};

// The right to keep one connection, until it runs out by the store's clock. No holder is ever given the same number twice
// (ADR 9): a write under an older lease is refused (change::under).
struct lease {
  lease(managed_name of, std::string who, std::uint64_t nr) : what(std::move(of)), holder(std::move(who)), number(nr) {}
  managed_name what;
  std::string holder;  // instance_report::name
  std::uint64_t number;
  friend bool operator==(const lease&, const lease&) = default;
};

// How a lease is ended.
enum class lease_end {
  hand_over,  // somebody else is to take it, now
  over,       // nobody is to keep this connection any more
};

// What an instance says about itself.
struct instance_report {
  instance_report() {}
  std::string name;     // unique per process; no secrets
  std::string address;  // where its HTTP API is, for people; may be empty
  std::string
      reach;  // what it can connect to: the same text for the same; at most 128 visible ASCII characters; may be empty
  std::uint64_t kept = 0;  // leases it holds
  friend bool operator==(const instance_report&, const instance_report&) = default;
};

// What a store knows about all of them. A hint: the leases decide.
struct fleet {
  fleet() {}
  std::vector<instance_report> instances;  // whose report has not run out, the asking one included; by name
  std::uint64_t managed = 0;               // connections that are to be kept, by anybody
  std::vector<managed_name> unheld;        // of those, some that nobody has a lease of; at most 256
};

struct managed_page {
  managed_page() {}
  std::vector<managed_name> names;
  std::string cursor;  // pass it back for the next page; empty: that was all
};

}  // namespace mcpstate
