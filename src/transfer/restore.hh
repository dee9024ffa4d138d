// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <mcpstate/store.hpp>

#include "archive/manifest.hh"
#include "transfer/byte_stream.hh"
#include "transfer/fault_list.hh"

namespace mcpstate::transfer {

// What a backup has in it, and what has become of that.
struct restore_state {
  restore_state() {}
  archive::head first;
  archive::totals counts;      // read so far; after the end, of the whole backup
  std::uint64_t position = 0;  // bytes read
  std::uint64_t written = 0, present = 0, expired = 0;
  std::uint64_t unwanted = 0;                    // of owners who were not asked for
  fault_list faults;                             // records that could not be restored, or not whole
  std::map<std::string, std::uint64_t> unknown;  // sections of unknown types, which were passed over
};

// When restored records expire.
enum class restored_expiry {
  remaining,  // they live as long from now on as they had to live when the backup was made
  absolute,   // at the very time
};

struct restore_request {
  restore_request() {}
  restore_rule rule = restore_rule::newer;
  restored_expiry expiry = restored_expiry::remaining;
  bool dry_run = false;       // writes nothing, and counts what would be written
  bool look_first = false;    // sends only what is not there; with restore_rule::newer only
  std::vector<owner> owners;  // empty: all
  // Told from time to time. Called on the store's executor; returns at once. May be empty.
  std::function<void(const restore_state&)> progress;
};

// Reads a whole backup without writing anything: bad_backup says what is wrong and where.
task<restore_state> check_backup(byte_source& from, std::function<void(const restore_state&)> progress);

// Writes the records of a backup into a store, several owners at a time; what waits is bounded. A record that cannot be written is a
// fault and costs no other. It may be stopped anywhere and repeated: what is there then counts as present.
//
// Executor: the store's. from: used on a thread of this call's own; outlives it. Cancellation: ends with stopped; some records
// were written. Failure: bad_backup, and what the store says; writes are tried again for a few seconds where the store is away. In
// either case the detail says how many records were written before.
task<restore_state> restore_backup(byte_source& from, store& to, restore_request request);

}  // namespace mcpstate::transfer
