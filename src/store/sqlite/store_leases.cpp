// SPDX-License-Identifier: MIT
// The leases of the SQLite store. They leave no notices, because watchers follow records only.
#include <utility>

#include "store/sqlite/store.hh"

namespace mcpstate {

using std::chrono::milliseconds;

task<std::optional<lease>> sqlite_store::take_lease(managed_name name, std::string holder, std::string registered,
                                                    milliseconds time) {
  if (closed_) co_return closed();
  auto job = [name = std::move(name), holder = std::move(holder), registered = std::move(registered),
              time](sqlite_engine& e) {
    return e.leases([&](lease_steps& steps) { return steps.take(name, holder, registered, time); });
  };
  co_return co_await write(std::move(job));
}

task<std::vector<lease>> sqlite_store::renew_leases(std::vector<lease> granted, milliseconds time) {
  if (closed_) co_return closed();
  auto job = [granted = std::move(granted), time](sqlite_engine& e) {
    return e.leases([&](lease_steps& steps) { return steps.renew(granted, time); });
  };
  co_return co_await write(std::move(job));
}

task<void> sqlite_store::end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) {
  if (closed_) co_return closed();
  auto job = [granted = std::move(granted), outcome, revision](sqlite_engine& e) {
    return e.end_lease(granted, outcome, revision);
  };
  MCPSTATE_CO_CHECK(co_await write(std::move(job)));
  co_return result<void>();
}

task<std::optional<lease>> sqlite_store::lease_of(managed_name name) {
  if (closed_) co_return closed();
  auto job = [name = std::move(name)](sqlite_engine& e) { return e.lease_of(name); };
  co_return co_await read(std::move(job));
}

// Looks first: a beat that has nothing to write waits for no writer, and wakes no other process.
task<fleet> sqlite_store::beat(instance_report report, milliseconds time) {
  if (closed_) co_return closed();
  auto look = [report, time](sqlite_engine& e) { return e.beat_without_write(report, time); };
  MCPSTATE_CO_TRY(unchanged, co_await read(std::move(look)));
  if (unchanged) co_return std::move(*unchanged);
  auto job = [report = std::move(report), time](sqlite_engine& e) {
    return e.leases([&](lease_steps& steps) { return steps.beat(report, time); });
  };
  co_return co_await write(std::move(job));
}

task<managed_page> sqlite_store::managed_of(std::string registered, std::string cursor) {
  if (closed_) co_return closed();
  auto job = [registered = std::move(registered), cursor = std::move(cursor)](sqlite_engine& e) {
    return e.managed_of(registered, cursor);
  };
  co_return co_await read(std::move(job));
}

}  // namespace mcpstate
