// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <string>
#include <utility>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/lease.hpp>

// An order: a record, and the lease under which somebody acts on it, written in one step. Value types.
namespace mcpstate {

// The lease that an order asks for.
struct lease_request {
  lease_request(std::string instance, std::string server, std::chrono::milliseconds span)
      : holder(std::move(instance)), registered(std::move(server)), time(span) {}
  std::string holder;              // instance_report::name
  std::string registered;          // the host's server by which managed_of() finds the connection; empty: none
  std::chrono::milliseconds time;  // how long the lease runs: over 0, at most a day
};

struct order_result {
  order_result(connection written, lease running) : record(std::move(written)), granted(std::move(running)) {}
  connection record;  // as it is now, without tools
  // The lease that runs now: the one that was asked for, or that of another holder, which stays as it was.
  lease granted;
};

}  // namespace mcpstate
