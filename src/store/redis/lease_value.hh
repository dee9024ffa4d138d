// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include <string_view>

#include <mcpstate/lease.hpp>

#include "core/text/number.hh"
#include "redis/reply.hh"

// The value of a lease key, "NUMBER LENGTH HOLDER REGISTERED" (scripts/parts/lease.lua), and what the other sources about
// leases share.
namespace mcpstate {

// The beginning of the value of exactly this lease.
[[nodiscard]] std::string lease_value_start(const lease& one);
// Absent where another program wrote something else.
[[nodiscard]] std::optional<lease> read_lease_value(const managed_name& name, const std::string& value);

// Whether the value is that of any lease.
[[nodiscard]] bool is_lease_value(std::string_view value);

// The number of the index part that lists this connection on a single server.
[[nodiscard]] unsigned shard_of(std::string_view member);
// The error of a command on this key.
[[nodiscard]] error key_error(const redis::reply& r, const std::string& operation, const std::string& key);

}  // namespace mcpstate
