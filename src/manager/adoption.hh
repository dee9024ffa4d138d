// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "manager/manager_context.hh"
#include "manager/supervisor_set.hh"

// Takes connections that nobody manages, in the background and a few at a time: each costs several requests to the store, and
// the beat of this process must not wait for them.
//
// Executor: the store's. Lifetime: the context and the supervisors outlive it; await close() before destroying.
namespace mcpstate {

class adoption {
 public:
  adoption(manager_context& context, supervisor_set& supervisors);

  // Connections that nobody manages now, in place of those offered before. They are taken until this process manages `limit`.
  void offer(std::vector<managed_name> unheld, std::size_t limit);
  asio::awaitable<void> close() { return workers_.stop(); }

 private:
  using clock = std::chrono::steady_clock;
  asio::awaitable<void> work();
  asio::awaitable<void> adopt(managed_name name);
  [[nodiscard]] bool may_take_more() const;
  [[nodiscard]] bool leave_to_others(const managed_name& name);

  manager_context& context_;
  supervisor_set& supervisors_;
  std::vector<managed_name> offered_;
  std::set<managed_name> under_way_;
  std::size_t limit_ = 0;
  // Offered connections that this process cannot reach, with the time at which they were first seen.
  std::map<managed_name, clock::time_point> unreachable_since_;
  aio::task_group workers_;
};

}  // namespace mcpstate
