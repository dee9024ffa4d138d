// SPDX-License-Identifier: MIT
#pragma once
#include "manager/manager_context.hh"
#include "manager/supervisor_set.hh"

// Renews the leases of all managed connections, and notices when one runs out.
//
// Executor: the store's. Lifetime: the context and the supervisors outlive it; both coroutines have ended before it is
// destroyed. Cancellation: both end when they are cancelled.
namespace mcpstate {

class lease_renewal {
 public:
  lease_renewal(manager_context& context, supervisor_set& supervisors) : context_(context), supervisors_(supervisors) {}

  asio::awaitable<void> run();
  // A lease that has run out by our own clock is lost, whatever the store says later.
  asio::awaitable<void> watch_deadlines();

 private:
  asio::awaitable<bool> renew_all();

  manager_context& context_;
  supervisor_set& supervisors_;
};

}  // namespace mcpstate
