// SPDX-License-Identifier: MIT
#include "store/lease_store.hh"

#include <algorithm>
#include <utility>

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

result<bool> check_report(const instance_report& report) {
  if (auto named = check_holder(report.name); !named) return named;
  if (report.address.size() > max_address_bytes)
    return error(errc::bad_argument, "the address of an instance is over " + std::to_string(max_address_bytes) + " bytes");
  const bool visible = std::all_of(report.reach.begin(), report.reach.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (visible && report.reach.size() <= max_reach_bytes) return true;
  return error(errc::bad_argument,
               "the reach of an instance is at most " + std::to_string(max_reach_bytes) + " visible ASCII characters");
}

task<data_losses> no_losses() { co_return data_losses(); }

class checked_leases final : public lease_store {
 public:
  explicit checked_leases(lease_store& target) : target_(target) {}

  task<std::optional<lease>> take_lease(managed_name name, std::string holder, std::string registered,
                                        milliseconds time) override {
    const lease_request wanted(holder, registered, time);
    MCPSTATE_CO_CHECK(check_lease_request(wanted));
    co_return co_await target_.take_lease(std::move(name), std::move(holder), std::move(registered), time);
  }

  task<std::vector<lease>> renew_leases(std::vector<lease> granted, milliseconds time) override {
    MCPSTATE_CO_CHECK(check_time(time));
    for (const auto& one : granted) MCPSTATE_CO_CHECK(check_holder(one.holder));
    if (granted.empty()) co_return std::vector<lease>();
    co_return co_await target_.renew_leases(std::move(granted), time);
  }

  using lease_store::end_lease;
  task<void> end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) override {
    MCPSTATE_CO_CHECK(check_holder(granted.holder));
    co_return co_await target_.end_lease(std::move(granted), outcome, revision);
  }

  task<std::optional<lease>> lease_of(managed_name name) override { return target_.lease_of(std::move(name)); }

  task<fleet> beat(instance_report report, milliseconds time) override {
    if (time.count() != 0) MCPSTATE_CO_CHECK(check_time(time));
    MCPSTATE_CO_CHECK(check_report(report));
    co_return co_await target_.beat(std::move(report), time);
  }

  task<data_losses> losses() override { return target_.losses(); }

  task<managed_page> managed_of(std::string registered, std::string cursor) override {
    MCPSTATE_CO_CHECK(server_name::parse(registered));
    co_return co_await target_.managed_of(std::move(registered), std::move(cursor));
  }

 private:
  lease_store& target_;
};

}  // namespace

task<data_losses> lease_store::losses() { return no_losses(); }

result<bool> check_lease_request(const lease_request& wanted) {
  MCPSTATE_CHECK(check_time(wanted.time));
  MCPSTATE_CHECK(check_holder(wanted.holder));
  if (!wanted.registered.empty()) MCPSTATE_CHECK(server_name::parse(wanted.registered));
  return true;
}

std::unique_ptr<lease_store> check_lease_input(lease_store& target) { return std::make_unique<checked_leases>(target); }

}  // namespace mcpstate
