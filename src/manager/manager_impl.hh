// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/manager.hpp>

#include "manager/keeper.hh"
#include "manager/origin_limit.hh"
#include "manager/owner_watches.hh"

// The keepers of this process, and its place in the fleet. Its parts: manager.cpp (what users ask for), manager_call.cpp
// (calls of tools), manager_fleet.cpp (leases, sharing, the end).
namespace mcpstate {

class manager_impl final : public manager, private keeper_home {
 public:
  manager_impl(store& from, manager_options options);
  ~manager_impl() override;

  task<connection> connect(owner who, server_name server, place where, std::optional<basis> seen) override;
  task<connection> settled(owner who, server_name server, std::uint64_t since) override;
  task<connection> retry(owner who, server_name server) override;
  task<mcp::call_result> call(owner who, server_name server, std::string tool, std::string arguments,
                              mcp::call_options options) override;
  task<std::uint64_t> disconnect_everywhere(std::string registered, progress_handler progress) override;
  void set_servers(std::shared_ptr<const server_registry> servers) override;
  [[nodiscard]] const manager_options& options() const noexcept override { return options_; }
  [[nodiscard]] manager_counts counts() const override;
  [[nodiscard]] const fleet& others() const noexcept override { return fleet_; }
  asio::awaitable<void> close() override;

 private:
  using clock = std::chrono::steady_clock;
  using keeper_ptr = std::shared_ptr<keeper>;

  // keeper_home
  store& records() override { return store_; }
  [[nodiscard]] result<destination> destination_of(const place& where) override;
  [[nodiscard]] bool may_others_reach() const override;
  mcp::client_options client_options_of(const managed_name& of) override;
  origin_limit& turns() override { return turns_; }
  [[nodiscard]] keeper_fsm::moment moment() override;
  void bury(std::shared_ptr<server_link> link) override;

  // manager.cpp
  task<lease> lease_for(managed_name of, std::string registered);
  task<connection> order(managed_name of, destination there, std::optional<basis> seen, bool even_if_up);
  task<std::uint64_t> disconnect_registered(managed_name of, std::string registered);
  [[nodiscard]] keeper_ptr find(const managed_name& of) const;

  // manager_call.cpp
  asio::awaitable<std::shared_ptr<server_link>> wait_for_session(managed_name of);
  task<mcp::call_result> call_once(connection record, std::string tool, std::string arguments, mcp::call_options options);
  static asio::awaitable<void> shut_client(std::unique_ptr<mcp::client> what);
  task<mcp::call_result> refuse_program(managed_name of, std::string program);

  // manager_fleet.cpp
  enum class taking { wanted, as_last };
  task<bool> ensure_kept(managed_name of, std::string registered, taking how = taking::wanted);
  task<bool> give_back(lease mine);
  void start(lease mine, std::string registered, clock::time_point until, taking how);
  asio::awaitable<void> keep(keeper_ptr mine);
  task<bool> still_wanted(keeper_ptr mine);
  asio::awaitable<void> beat();
  asio::awaitable<void> share();
  asio::awaitable<void> adopt_all(std::size_t most);
  asio::awaitable<void> adopt(managed_name of);
  [[nodiscard]] bool leave_to_others(const managed_name& of);
  void hand_over_surplus(std::size_t fair);
  void offer_stranded();
  asio::awaitable<void> renew();
  asio::awaitable<bool> renew_all();
  asio::awaitable<void> watch_deadlines();
  [[nodiscard]] instance_report report() const;
  void changed(const owner& whose, const std::string& server, const event* what);
  void tell_lease(const managed_name& of, manager_observer::lease_news what);
  void remark(std::string_view what, const error& why);

  store& store_;
  manager_options options_;
  fleet fleet_;
  const destination_rules rules_;
  std::string reach_;                                     // instance_report::reach
  std::set<std::string> met_;                             // the reaches of the others, as of the last beat
  std::map<managed_name, clock::time_point> left_alone_;  // nobody keeps it, and we do not reach it: since when
  std::vector<managed_name> to_offer_;                    // what we keep without reaching it, for those who have come
  std::map<managed_name, keeper_ptr> keepers_;
  origin_limit turns_;
  std::shared_ptr<mcp::era_memory> eras_;
  std::minstd_rand dice_;
  bool stopping_ = false;
  asio::steady_timer none_left_;  // cancelled when the last keeper has ended
  owner_watches watches_;
  aio::task_group graves_;   // sessions that end
  aio::task_group keeping_;  // one per keeper
  aio::task_group loops_;
};

}  // namespace mcpstate
