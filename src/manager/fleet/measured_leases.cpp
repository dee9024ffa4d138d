// SPDX-License-Identifier: MIT
#include "manager/fleet/measured_leases.hh"

#include <utility>

namespace mcpstate {

template <class T>
task<T> measured_leases::measured(const char* operation, task<T> work) {
  const auto started = std::chrono::steady_clock::now();
  auto out = co_await std::move(work);
  if (!tell_) co_return out;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
  const auto failure = out ? std::optional<cond>() : std::optional<cond>(out.error().condition());
  tell_(operation, failure, took);
  co_return out;
}

task<std::optional<lease>> measured_leases::take_lease(managed_name name, std::string holder, std::string registered,
                                                       std::chrono::milliseconds time) {
  return measured("take_lease", leases_.take_lease(std::move(name), std::move(holder), std::move(registered), time));
}

task<std::vector<lease>> measured_leases::renew_leases(std::vector<lease> granted, std::chrono::milliseconds time) {
  return measured("renew_leases", leases_.renew_leases(std::move(granted), time));
}

task<void> measured_leases::end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) {
  return measured("end_lease", leases_.end_lease(std::move(granted), outcome, revision));
}

task<std::optional<lease>> measured_leases::lease_of(managed_name name) {
  return measured("lease_of", leases_.lease_of(std::move(name)));
}

task<fleet> measured_leases::beat(instance_report report, std::chrono::milliseconds time) {
  return measured("beat", leases_.beat(std::move(report), time));
}

task<managed_page> measured_leases::managed_of(std::string registered, std::string cursor) {
  return measured("managed_of", leases_.managed_of(std::move(registered), std::move(cursor)));
}

}  // namespace mcpstate
