// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <mcpstate/store.hpp>

#include "archive/manifest.hh"
#include "transfer/byte_stream.hh"
#include "transfer/fault_list.hh"

namespace mcpstate::transfer {

struct backup_state {
  backup_state() {}
  archive::totals counts;
  std::uint64_t bytes = 0;  // written
  fault_list faults;        // records that could not be written down, or not whole
};

struct backup_request {
  backup_request() {}
  std::vector<owner> owners;  // empty: all
  std::string version;        // of the program
  // Told from time to time. Called on the store's executor; returns at once. May be empty.
  std::function<void(const backup_state&)> progress;
};

// Writes all records of a store down, while others go on using it: each owner's records are those of one moment. Reads several
// owners at a time, and compresses and writes on another thread; what waits there is bounded. A record that cannot be read is a
// fault and costs no other.
//
// Executor: the store's. to: used on a thread of this call's own; outlives it. Cancellation: ends with stopped; `to` has got a part.
// Failure: what the store or `to` says; reads are tried again for a few seconds where the store is away.
task<backup_state> write_backup(store& from, byte_sink& to, backup_request request);

}  // namespace mcpstate::transfer
