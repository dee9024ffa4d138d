// SPDX-License-Identifier: MIT
// The leases of the SQLite store. They leave no notices, because watchers follow records only.
#include <utility>

#include "store/sqlite/store.hh"

namespace mcpstate {

using std::chrono::milliseconds;

task<std::optional<lease>> sqlite_store::take_lease(managed_name name, std::string holder, std::string registered,
                                                    milliseconds time) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), name = std::move(name), holder = std::move(holder), registered = std::move(registered),
              time] { return e->leases([&](lease_steps& steps) { return steps.take(name, holder, registered, time); }); };
  co_return co_await aio::offload(*pool_, std::move(job));
}

task<std::vector<lease>> sqlite_store::renew_leases(std::vector<lease> granted, milliseconds time) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), granted = std::move(granted), time] {
    return e->leases([&](lease_steps& steps) { return steps.renew(granted, time); });
  };
  co_return co_await aio::offload(*pool_, std::move(job));
}

task<void> sqlite_store::end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), granted = std::move(granted), outcome, revision] {
    return e->end_lease(granted, outcome, revision);
  };
  MCPSTATE_CO_CHECK(co_await aio::offload(*pool_, std::move(job)));
  co_return result<void>();
}

task<std::optional<lease>> sqlite_store::lease_of(managed_name name) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), name = std::move(name)] { return e->lease_of(name); };
  co_return co_await aio::offload(*pool_, std::move(job));
}

task<fleet> sqlite_store::beat(instance_report report, milliseconds time) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), report = std::move(report), time] {
    return e->leases([&](lease_steps& steps) { return steps.beat(report, time); });
  };
  co_return co_await aio::offload(*pool_, std::move(job));
}

task<managed_page> sqlite_store::managed_of(std::string registered, std::string cursor) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), registered = std::move(registered), cursor = std::move(cursor)] {
    return e->managed_of(registered, cursor);
  };
  co_return co_await aio::offload(*pool_, std::move(job));
}

}  // namespace mcpstate
