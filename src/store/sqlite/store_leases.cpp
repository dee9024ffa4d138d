// SPDX-License-Identifier: MIT
// The leases of the SQLite store. No notices: watchers are told of records only.
#include <utility>

#include "store/sqlite/store.hh"

namespace mcpstate {

using std::chrono::milliseconds;

task<std::optional<lease>> sqlite_store::take_lease(managed_name what, std::string holder, std::string registered,
                                                    milliseconds time) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), what = std::move(what), holder = std::move(holder), registered = std::move(registered),
              time] { return e->leases([&](lease_steps& steps) { return steps.take(what, holder, registered, time); }); };
  co_return co_await aio::offload(*pool_, std::move(job));
}

task<std::vector<lease>> sqlite_store::renew_leases(std::vector<lease> held, milliseconds time) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), held = std::move(held), time] {
    return e->leases([&](lease_steps& steps) { return steps.renew(held, time); });
  };
  co_return co_await aio::offload(*pool_, std::move(job));
}

task<void> sqlite_store::end_lease(lease which, lease_end how, std::optional<std::uint64_t> seen) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), which = std::move(which), how, seen] { return e->end_lease(which, how, seen); };
  auto ended = co_await aio::offload(*pool_, std::move(job));
  if (!ended) co_return ended.error();
  co_return result<void>();
}

task<std::optional<lease>> sqlite_store::lease_of(managed_name what) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), what = std::move(what)] { return e->lease_of(what); };
  co_return co_await aio::offload(*pool_, std::move(job));
}

task<fleet> sqlite_store::beat(instance_report me, milliseconds time) {
  if (closed_) co_return closed();
  auto job = [e = engine_.get(), me = std::move(me), time] {
    return e->leases([&](lease_steps& steps) { return steps.beat(me, time); });
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
