// SPDX-License-Identifier: MIT
// The lease operations of every store: their input is checked here.
#include <algorithm>
#include <utility>

#include <mcpstate/store.hpp>

namespace mcpstate {

using std::chrono::milliseconds;

namespace {

constexpr std::size_t max_holder_bytes = 256;
constexpr std::size_t max_address_bytes = 1024;
constexpr std::size_t max_reach_bytes = 128;
constexpr milliseconds longest = std::chrono::hours(24);

result<bool> check_time(milliseconds time) {
  if (time.count() > 0 && time <= longest) return true;
  return error(errc::bad_argument, "a lease runs for over 0 ms, and at most a day");
}

result<bool> check_holder(const std::string& name) {
  if (!name.empty() && name.size() <= max_holder_bytes) return true;
  return error(errc::bad_argument, "the name of an instance is 1 to " + std::to_string(max_holder_bytes) + " bytes");
}

}  // namespace

task<std::optional<lease>> store::take_lease(managed_name what, std::string holder, std::string registered,
                                             milliseconds time) {
  MCPSTATE_CO_CHECK(check_time(time));
  MCPSTATE_CO_CHECK(check_holder(holder));
  if (!registered.empty()) MCPSTATE_CO_CHECK(server_name::parse(registered));
  co_return co_await do_take_lease(std::move(what), std::move(holder), std::move(registered), time);
}

task<std::vector<lease>> store::renew_leases(std::vector<lease> held, milliseconds time) {
  MCPSTATE_CO_CHECK(check_time(time));
  for (const auto& one : held) MCPSTATE_CO_CHECK(check_holder(one.holder));
  if (held.empty()) co_return std::vector<lease>();
  co_return co_await do_renew_leases(std::move(held), time);
}

task<void> store::end_lease(lease which, lease_end how, std::optional<std::uint64_t> seen) {
  MCPSTATE_CO_CHECK(check_holder(which.holder));
  co_return co_await do_end_lease(std::move(which), how, seen);
}

task<std::optional<lease>> store::lease_of(managed_name what) { co_return co_await do_lease_of(std::move(what)); }

task<fleet> store::beat(instance_report me, milliseconds time) {
  if (time.count() != 0) MCPSTATE_CO_CHECK(check_time(time));
  MCPSTATE_CO_CHECK(check_holder(me.name));
  if (me.address.size() > max_address_bytes)
    co_return error(errc::bad_argument,
                    "the address of an instance is over " + std::to_string(max_address_bytes) + " bytes");
  const bool visible = std::all_of(me.reach.begin(), me.reach.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!visible || me.reach.size() > max_reach_bytes)
    co_return error(errc::bad_argument,
                    "the reach of an instance is at most " + std::to_string(max_reach_bytes) + " visible ASCII characters");
  co_return co_await do_beat(std::move(me), time);
}

task<managed_page> store::managed_of(std::string registered, std::string cursor) {
  auto name = server_name::parse(registered);
  if (!name) co_return name.error();
  co_return co_await do_managed_of(std::move(*name), std::move(cursor));
}

// Managed connections that have a new owner need a keeper: each is taken for a moment and handed over, so that whoever beats
// next finds it.
task<void> store::offer_claimed(owner user, std::vector<std::string> moved) {
  if (moved.empty()) co_return result<void>();
  const std::optional<std::uint64_t> nothing_seen;
  auto all = co_await do_list(user, tools_wanted::no);
  if (!all) co_return all.error();
  for (const auto& one : *all) {
    const bool was_moved = std::find(moved.begin(), moved.end(), one.server) != moved.end();
    if (!was_moved || !one.info.managed || one.state == status::disconnected) continue;
    auto name = server_name::parse(one.server);
    if (!name) continue;
    managed_name what(user, std::move(*name));
    std::string holder = "claim";
    std::string registered = one.info.registered;
    auto taken = co_await do_take_lease(std::move(what), std::move(holder), std::move(registered), std::chrono::seconds(5));
    if (!taken) co_return taken.error();
    if (!*taken) continue;  // somebody keeps it already
    auto given = co_await do_end_lease(std::move(**taken), lease_end::hand_over, nothing_seen);
    if (!given) co_return given.error();
  }
  co_return result<void>();
}

}  // namespace mcpstate
