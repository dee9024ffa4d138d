// SPDX-License-Identifier: MIT
#pragma once
#include <cstdlib>
#include <string_view>

// Defects that can be switched on in a build made for it, to prove that the contract suite notices them. In every other
// build active() is constant and the branches are gone.
//
// Compiled with MCPSTATE_FAULTS, the environment variable MCPSTATE_FAULT chooses one by its name below.
namespace mcpstate {

enum class fault {
  no_fence,        // a write does not look at what it was based on
  split_write,     // a change is written in two steps, and others can see the state between them
  no_set_ttl,      // Redis: the sets have no TTL
  reencode_tools,  // tools are decoded and encoded again instead of kept byte for byte
  empty_replaces,  // an empty tool list replaces a good one unasked
  misses_new,      // Redis: a change of all records does not look for one that came since they were read
  no_lease_fence,  // a write does not look whether the lease it is made under still holds
  check_renews,    // a check renews the expiry of a record as use does
};

#ifdef MCPSTATE_FAULTS
inline bool active(fault f) noexcept {
  static const std::string_view chosen = [] {
    const char* name = std::getenv("MCPSTATE_FAULT");
    return name ? std::string_view(name) : std::string_view();
  }();
  switch (f) {
    case fault::no_fence:
      return chosen == "no_fence";
    case fault::split_write:
      return chosen == "split_write";
    case fault::no_set_ttl:
      return chosen == "no_set_ttl";
    case fault::reencode_tools:
      return chosen == "reencode_tools";
    case fault::empty_replaces:
      return chosen == "empty_replaces";
    case fault::misses_new:
      return chosen == "misses_new";
    case fault::no_lease_fence:
      return chosen == "no_lease_fence";
    case fault::check_renews:
      return chosen == "check_renews";
  }
  return false;
}
#else
constexpr bool active(fault) noexcept { return false; }
#endif

}  // namespace mcpstate
