// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include <mcpstate/lease.hpp>

// What a lease key holds: "NUMBER LENGTH HOLDER REGISTERED" (redis_scripts.hh).
namespace mcpstate {

// How the value of exactly this lease begins.
[[nodiscard]] std::string lease_value_start(const lease& one);
// Absent where another program left something else.
[[nodiscard]] std::optional<lease> read_lease_value(const managed_name& of, const std::string& value);

}  // namespace mcpstate
