// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/core/byte_budget.hpp>
#include <mcpstate/manager/options.hpp>
#include <mcpstate/store.hpp>

#include "manager/fleet/measured_leases.hh"
#include "manager/origins/origin_limit.hh"
#include "manager/origins/origin_pauses.hh"
#include "manager/origins/origin_retries.hh"
#include "manager/server_link.hh"
#include "manager/servers/destination.hh"
#include "manager/servers/startup_times.hh"
#include "manager/supervisor_fsm.hh"

// What the parts of a manager share: the store, the options, the fleet as last seen, and the sessions that are closing.
//
// Executor: the store's. Lifetime: outlives all other parts; await join_closing() before destroying.
namespace mcpstate {

class manager_context {
 public:
  manager_context(store& records, manager_options options);
  manager_context(const manager_context&) = delete;
  manager_context& operator=(const manager_context&) = delete;

  [[nodiscard]] store& records() noexcept { return records_; }
  // The leases of that store; the observer is told of each operation.
  [[nodiscard]] lease_store& leases() noexcept { return leases_; }
  [[nodiscard]] const manager_options& options() const noexcept { return options_; }
  // For how long a lease is taken.
  [[nodiscard]] std::chrono::milliseconds lease_span() const;
  [[nodiscard]] std::minstd_rand& random() noexcept { return random_; }
  [[nodiscard]] supervisor_fsm::tick_context tick();
  [[nodiscard]] timestamp store_time() const { return records_.options().clock->now(); }

  // Servers.
  [[nodiscard]] result<destination> find(const endpoint& target) const;
  // Answers the servers as they were.
  std::shared_ptr<const server_registry> set_servers(std::shared_ptr<const server_registry> servers);
  [[nodiscard]] mcp::client_options client_options_of(const managed_name& name) const;
  [[nodiscard]] origin_limit& attempts() noexcept { return attempts_; }
  [[nodiscard]] origin_pauses& pauses() noexcept { return pauses_; }
  [[nodiscard]] origin_retries& retries() noexcept { return retries_; }
  [[nodiscard]] startup_times& startups() noexcept { return startups_; }
  // What the messages of servers take while they arrive.
  [[nodiscard]] const byte_budget& messages() const noexcept { return *messages_; }

  // The fleet.
  [[nodiscard]] const fleet& members() const noexcept { return fleet_; }
  void set_members(fleet members) { fleet_ = std::move(members); }
  // Until when the last report of this process holds.
  [[nodiscard]] aio::deadline reported_until() const noexcept { return reported_until_; }
  void set_reported_until(aio::deadline until) noexcept { reported_until_ = until; }
  // What the store has lost, as far as this process knows; then what the store knows now.
  [[nodiscard]] const data_losses& losses() const noexcept { return losses_; }
  task<data_losses> find_losses();
  [[nodiscard]] instance_report report(std::size_t leases) const;
  // Of other processes, as of the last beat. Those processes may reach servers that this one does not.
  [[nodiscard]] std::set<std::string> reaches_of_others() const;
  [[nodiscard]] bool may_others_reach() const { return !reaches_of_others().empty(); }

  // Leases.

  // The lease at the user that a claim has made of this one of a session, renewed for the usual time. Failure: lease_lost
  // where no claim has moved it, or another instance manages the connection now.
  task<lease> take_claimed_lease(lease at_session);
  // False where the store knows another lease, or none.
  asio::awaitable<bool> may_hold(lease granted);

  // Closes a session in the background.
  void close_later(std::shared_ptr<server_link> link);
  void close_later(std::unique_ptr<mcp::client> client);
  asio::awaitable<void> join_closing() { return closing_sessions_.join(); }

  [[nodiscard]] bool stopping() const noexcept { return stopping_; }
  // False: it had been said before.
  bool begin_stopping() noexcept { return !std::exchange(stopping_, true); }

  // To the observer, if there is one.
  [[nodiscard]] manager_observer* observer() const noexcept { return options_.observer; }
  void report_lease(const managed_name& name, manager_observer::lease_news news) const;
  void remark(const managed_name& name, std::string_view text, std::string_view peer) const;
  void remark(std::string_view text, const error& reason) const;

 private:
  store& records_;
  manager_options options_;
  measured_leases leases_;
  const destination_rules rules_;
  std::string reach_;  // instance_report::reach
  fleet fleet_;
  aio::deadline reported_until_{};
  data_losses losses_;
  origin_limit attempts_;
  origin_pauses pauses_;
  origin_retries retries_;
  startup_times startups_;
  std::shared_ptr<mcp::era_memory> eras_;
  std::shared_ptr<byte_budget> messages_;
  std::minstd_rand random_;
  bool stopping_ = false;
  aio::task_group closing_sessions_;
};

}  // namespace mcpstate
