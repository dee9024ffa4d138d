// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/lease.hpp>

namespace mcpstate {

// Receives what a manager does, for metrics and logs. Derive from it and pass it in manager_options::observer.
//
// Thread rule: every member is called on the store's executor. Lifetime: outlives the manager. A member returns at once,
// must not throw, and must not destroy the manager. The views are valid during the call only. Server names may come from
// anybody: do not use them as labels of metrics.
class manager_observer {
 public:
  virtual ~manager_observer() = default;

  // A managed record went from one status to another, by a write of this process. reason: the name of an error code
  // ("connect_failed"); empty when the connection is up or no error is known.
  virtual void on_transition(const managed_name& name, status from, status to, std::string_view reason) = 0;
  // An attempt to connect (handshake and tool list) has ended. took: without the wait for a free slot at the origin.
  virtual void on_attempt(const managed_name& name, bool ok, std::chrono::microseconds took) = 0;
  // A session that was up was lost, and is open again: a crash that was repaired. reason: the name of the error code of the
  // loss ("connection_lost", "child_exited"). restarts: how often that has happened since the connection was ordered.
  // Default: nothing is done.
  virtual void on_session_restarted(const managed_name& name, std::string_view reason, std::uint64_t restarts) {
    static_cast<void>(name);
    static_cast<void>(reason);
    static_cast<void>(restarts);
  }
  // A tool list was read again.
  virtual void on_tools_refreshed(const managed_name& name, bool ok) = 0;

  enum class lease_news {
    taken,        // this process manages the connection now
    lost,         // the lease ran out, or another process has it
    handed_over,  // it was offered to the other processes
    over,         // nobody is to manage the connection any more
  };
  virtual void on_lease(const managed_name& name, lease_news news) = 0;

  // An operation on the leases of the store has ended: "beat", "renew_leases", "take_lease", "end_lease", "lease_of",
  // "managed_of". failure: the condition of its error, absent on success. Default: nothing is done.
  virtual void on_store_operation(std::string_view operation, std::optional<cond> failure, std::chrono::microseconds took) {
    static_cast<void>(operation);
    static_cast<void>(failure);
    static_cast<void>(took);
  }

  // The store may have lost records, that nobody has removed (data_losses). count: how often; of evicted: keys.
  // Default: nothing is done.
  enum class loss_cause { replaced, flushed, evicted };
  virtual void on_data_loss(loss_cause cause, std::uint64_t count) {
    static_cast<void>(cause);
    static_cast<void>(count);
  }

  // Something that an operator should know. name: which connection it is about; null: none. remark: one line of ours.
  // peer: the peer's own words, possibly empty; for the operator's log only.
  virtual void on_remark(const managed_name* name, std::string_view remark, std::string_view peer) = 0;
};

}  // namespace mcpstate
