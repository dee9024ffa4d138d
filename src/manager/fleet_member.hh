// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "manager/adoption.hh"
#include "manager/manager_context.hh"
#include "manager/supervisor_set.hh"

// This process as a member of the fleet: reports itself with a beat, has connections that nobody manages adopted up to its
// fair share, and hands over what is above it. It tells what the store has lost. The beat waits for the store's answers only.
//
// Executor: the store's. Lifetime: the context, the supervisors and the adoption outlive it; run() has ended before it is destroyed.
namespace mcpstate {

class fleet_member {
 public:
  fleet_member(manager_context& context, supervisor_set& supervisors, adoption& adopting)
      : context_(context), supervisors_(supervisors), adopting_(adopting) {}

  // Beats until the manager stops or the caller is cancelled.
  asio::awaitable<void> run();
  // Reports that this process goes.
  asio::awaitable<void> leave();

 private:
  using clock = std::chrono::steady_clock;
  void share_work();
  void hand_over_surplus(std::size_t share);
  void offer_stranded();
  void report_faults(const std::vector<error>& faults);
  asio::awaitable<void> follow_losses();

  manager_context& context_;
  supervisor_set& supervisors_;
  adoption& adopting_;
  std::set<std::string> told_faults_;
  std::optional<data_losses> losses_;    // as told
  clock::time_point next_evictions_{};   // when evictions are told again
  std::set<std::string> known_reaches_;  // of the other processes, as of the last beat
  std::vector<managed_name> stranded_;   // connections that are stranded here, for processes that have joined
};

}  // namespace mcpstate
