// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/aio/task.hpp>
#include <mcpstate/lease.hpp>

namespace mcpstate {

// The leases of managed connections, and the reports of the instances that manage them. Only a manager needs it.
//
// A lease says nothing about the record and lives apart from it; erase and claim end the leases of the records that they
// remove. Times are over 0 and at most a day. Names of holders and instances have 1 to 256 bytes. Anything else is
// bad_argument.
//
// Executor, lifetime, cancellation and failure: as for the store that it belongs to.
class lease_store {
 public:
  virtual ~lease_store() = default;
  lease_store(const lease_store&) = delete;
  lease_store& operator=(const lease_store&) = delete;

  // Makes `holder` the managing instance for this long. Absent while the lease of another holder runs. A lease that the
  // holder already has is renewed and answered. registered: the name of the host's server by which managed_of() finds the
  // connection; empty: none.
  virtual task<std::optional<lease>> take_lease(managed_name name, std::string holder, std::string registered,
                                                std::chrono::milliseconds time) = 0;
  // Renews leases. Answers those that were lost: another holder has them, or they ran out. They have to be taken again.
  virtual task<std::vector<lease>> renew_leases(std::vector<lease> granted, std::chrono::milliseconds time) = 0;
  // Ends a lease. Does nothing to one that the holder has lost. revision: the revision of the record for which the lease is
  // over (0: there is no record). If the record has another revision in the step that ends the lease, the connection was
  // ordered again: the lease is then handed over.
  virtual task<void> end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) = 0;
  task<void> end_lease(lease granted, lease_end outcome) { return end_lease(std::move(granted), outcome, std::nullopt); }
  // The lease that runs now; absent: there is none.
  virtual task<std::optional<lease>> lease_of(managed_name name) = 0;
  // Reports for `time` that this instance is alive. Answers all instances, and connections without a lease. Time 0: the
  // instance leaves. A report that says the same as the last one is written again when half of its time is over, and until
  // then a beat writes nothing: each beat holds for half of `time` at least.
  virtual task<fleet> beat(instance_report report, std::chrono::milliseconds time) = 0;
  // What the store has lost up to now. Costs a short read where the store is a server.
  virtual task<data_losses> losses();
  // The managed connections of one registered server. May name some that are over; check the record.
  virtual task<managed_page> managed_of(std::string registered, std::string cursor) = 0;

 protected:
  lease_store() = default;
};

}  // namespace mcpstate
