// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/store/lease_store.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

// The leases of a store, and word of how each operation on them went: beats and renewals are what goes on while nobody
// asks for anything, so that they are the first to tell of an outage.
//
// Executor, cancellation and failure: those of the store. Lifetime: the store's leases outlive it.
namespace mcpstate {

class measured_leases final : public lease_store {
 public:
  // Hears the name of the operation, the condition of its error, and its time; must not throw.
  using handler =
      std::function<void(std::string_view operation, std::optional<cond> failure, std::chrono::microseconds took)>;
  measured_leases(lease_store& measured, handler tell) : leases_(measured), tell_(std::move(tell)) {}

  task<std::optional<lease>> take_lease(managed_name name, std::string holder, std::string registered,
                                        std::chrono::milliseconds time) override;
  task<std::vector<lease>> renew_leases(std::vector<lease> granted, std::chrono::milliseconds time) override;
  using lease_store::end_lease;
  task<void> end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) override;
  task<std::optional<lease>> lease_of(managed_name name) override;
  task<fleet> beat(instance_report report, std::chrono::milliseconds time) override;
  task<data_losses> losses() override { return leases_.losses(); }
  task<managed_page> managed_of(std::string registered, std::string cursor) override;

 private:
  template <class T>
  task<T> measured(const char* operation, task<T> work);

  lease_store& leases_;
  handler tell_;  // may be empty
};

}  // namespace mcpstate
