// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "manager/manager_context.hh"
#include "manager/supervisor_set.hh"

// Reads all records of the store, slowly and for ever, and finds managed ones that have neither a lease nor an entry in the
// index of connections without one: an instance died between two writes, a server evicted keys, or a foreign program deleted
// them. Nobody would take these otherwise. What it finds is offered to all instances.
//
// Executor: the store's. Lifetime: the context and the supervisors outlive it; run() has ended before it is destroyed.
// Cancellation: run() ends when it is cancelled.
namespace mcpstate {

class record_sweep {
 public:
  record_sweep(manager_context& context, supervisor_set& supervisors) : context_(context), supervisors_(supervisors) {}

  asio::awaitable<void> run();

 private:
  // One connection to look at, and the registered server that it leads to.
  struct candidate {
    candidate(managed_name connection, std::string server) : name(std::move(connection)), registered(std::move(server)) {}
    managed_name name;
    std::string registered;
  };

  [[nodiscard]] std::chrono::milliseconds pause(bool complete);
  task<bool> read_some();
  task<void> read_page();
  task<void> read_owner(owner account);
  task<void> check(candidate one);
  task<void> offer(candidate one);

  manager_context& context_;
  supervisor_set& supervisors_;
  std::string cursor_;
  bool last_page_ = false;
  std::vector<owner> owners_;         // of the page that was read last, still to be read
  std::deque<candidate> candidates_;  // of owners that were read, still to be checked
};

}  // namespace mcpstate
