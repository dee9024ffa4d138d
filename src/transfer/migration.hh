// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include <mcpstate/store.hpp>

#include "transfer/fault_list.hh"

namespace mcpstate::transfer {

struct migration_state {
  migration_state() {}
  std::uint64_t owners = 0;   // looked at
  std::uint64_t written = 0;  // records that were copied, or would be
  std::uint64_t present = 0;  // records that were there already
  std::uint64_t removed = 0;  // records that the source has no more
  std::uint64_t waiting = 0;  // owners that were found and not looked at yet
  bool follows = false;       // all was copied once; only changes are left
  fault_list faults;          // records that cannot be copied
};

struct migration_request {
  migration_request() {}
  std::vector<owner> owners;  // empty: all
  bool dry_run = false;       // writes nothing, and counts what would be written
  bool follow = false;        // goes on with every change of the source until it is cancelled
  // Removes from the target what the source does not have. Nobody may write to either meanwhile.
  bool remove = false;
  // Told from time to time. Called on the stores' executor; returns at once. May be empty.
  std::function<void(const migration_state&)> progress;
};

// Copies the records of one store into another, while others go on using the source: with their revisions and times of expiry,
// several owners at a time. What is there already is left, so that it may be stopped anywhere and repeated. Leases are not copied.
// Where it follows, a record that the source removes is removed from the target too.
//
// Executor: that of both stores. Cancellation: ends with stopped, but for one that follows and has copied all once, which is then
// done. Failure: what the stores say; steps are tried again for a few seconds where a store is away.
task<migration_state> migrate(store& from, store& to, migration_request request);

}  // namespace mcpstate::transfer
