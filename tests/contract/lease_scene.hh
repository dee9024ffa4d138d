// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "contract/store_contract.hh"

// What the tests of leases have in common.
namespace mcpstate::test {

inline constexpr std::chrono::milliseconds shortly{1000};  // a lease that a test lets run out
inline constexpr std::chrono::milliseconds past_it{1100};
inline constexpr std::chrono::milliseconds long_time{60'000};

inline managed_name github() { return managed_name(user("42"), server("github")); }

inline instance_report report_of(std::string name, std::uint64_t kept = 0) {
  instance_report r;
  r.name = std::move(name);
  r.address = "http://10.0.0.1:8080";
  r.managed = kept;
  return r;
}

// take_lease that has to succeed.
inline task<lease> taken(store& by, managed_name what, std::string holder, std::chrono::milliseconds time,
                         std::string registered = "github") {
  auto got = co_await by.leases().take_lease(std::move(what), std::move(holder), std::move(registered), time);
  if (!got) co_return got.error();
  if (!*got) co_return error(errc::lease_lost, "another holder has it");
  co_return std::move(**got);
}

// Whether this holder is refused.
inline task<bool> refused(store& by, managed_name what, std::string holder) {
  auto got = co_await by.leases().take_lease(std::move(what), std::move(holder), "github", long_time);
  if (!got) co_return got.error();
  co_return !got->has_value();
}

// Records live for two seconds.
inline store_options some_seconds() {
  store_options o;
  o.ttl = std::chrono::seconds(2);
  return o;
}

}  // namespace mcpstate::test
