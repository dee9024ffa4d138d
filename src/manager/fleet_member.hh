// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "manager/manager_context.hh"
#include "manager/supervisor_set.hh"

// This process as a member of the fleet: reports itself with a beat, takes connections that nobody manages up to its fair
// share, and hands over what is above it.
//
// Executor: the store's. Lifetime: the context and the supervisors outlive it; run() has ended before it is destroyed.
namespace mcpstate {

class fleet_member {
 public:
  fleet_member(manager_context& context, supervisor_set& supervisors) : context_(context), supervisors_(supervisors) {}

  // Beats until the manager stops or the caller is cancelled.
  asio::awaitable<void> run();
  // Reports that this process goes.
  asio::awaitable<void> leave();

 private:
  using clock = std::chrono::steady_clock;
  asio::awaitable<void> share_work();
  asio::awaitable<void> adopt_all(std::size_t limit);
  asio::awaitable<void> adopt(managed_name name);
  [[nodiscard]] bool leave_to_others(const managed_name& name);
  void hand_over_surplus(std::size_t share);
  void offer_stranded();
  void report_faults(const std::vector<error>& faults);

  manager_context& context_;
  supervisor_set& supervisors_;
  // Connections that nobody manages and this process cannot reach, with the time at which they were first seen.
  std::map<managed_name, clock::time_point> unreachable_since_;
  std::set<std::string> told_faults_;
  std::set<std::string> known_reaches_;  // of the other processes, as of the last beat
  std::vector<managed_name> to_offer_;   // connections that are stranded here, for processes that have joined
};

}  // namespace mcpstate
