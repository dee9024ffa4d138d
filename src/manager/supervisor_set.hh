// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/aio/task_group.hpp>

#include "aio/event.hh"
#include "manager/connection_supervisor.hh"
#include "manager/manager_context.hh"
#include "manager/owner_watches.hh"

// The connections that this process manages: one supervisor for each lease that it holds.
//
// Executor: the store's. Lifetime: the context outlives it; await close() before destroying.
namespace mcpstate {

class supervisor_set {
 public:
  using pointer = std::shared_ptr<connection_supervisor>;
  using unreachable_rule = connection_supervisor::unreachable_rule;

  explicit supervisor_set(manager_context& context);
  supervisor_set(const supervisor_set&) = delete;
  supervisor_set& operator=(const supervisor_set&) = delete;

  // Null: this process does not manage the connection.
  [[nodiscard]] pointer find(const managed_name& name) const;
  [[nodiscard]] const std::map<managed_name, pointer>& all() const noexcept { return supervisors_; }
  [[nodiscard]] std::size_t size() const noexcept { return supervisors_.size(); }

  // Makes sure that some process manages the connection: if none does, this one. The record is read again then.
  task<bool> ensure_managed(managed_name name, std::string registered, unreachable_rule rule = unreachable_rule::hand_over);

  // Acts on an order that this process has written: under a lease of its own it manages the connection from the record as it
  // was written; under that of another instance nothing is to be done. until: when the lease runs out by our own clock.
  task<bool> act_on(order_result order, std::string registered, connection_supervisor::clock::time_point until);

  // Waits until a supervisor has come or gone; false when the time is over or the caller is cancelled.
  asio::awaitable<bool> wait_changed(aio::deadline until) { return changed_.wait(until); }

  // Hands everything over, and waits until that is done or the time is over.
  asio::awaitable<void> close(std::chrono::milliseconds limit);

 private:
  void on_change(const event& change);
  void read_again(const owner& who);
  task<bool> give_back(lease taken);
  void start(lease granted, std::string registered, connection_supervisor::clock::time_point until, unreachable_rule rule,
             std::optional<connection> record);
  asio::awaitable<void> run(pointer supervisor);
  void move(const managed_name& before);
  void forget(const managed_name& name, const pointer& supervisor);
  task<bool> is_still_wanted(pointer supervisor);

  manager_context& context_;
  std::map<managed_name, pointer> supervisors_;
  aio::event none_left_, changed_;
  owner_watches watches_;
  aio::task_group running_;  // one task per supervisor
};

}  // namespace mcpstate
