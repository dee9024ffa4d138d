// SPDX-License-Identifier: MIT
#pragma once
#include <charconv>
#include <optional>
#include <string>

#include <string_view>
#include <system_error>

#include <mcpstate/lease.hpp>

#include "redis/reply.hh"

// The value of a lease key, "NUMBER LENGTH HOLDER REGISTERED" (scripts/parts/lease.lua), and what the other sources about
// leases share.
namespace mcpstate {

// The beginning of the value of exactly this lease.
[[nodiscard]] std::string lease_value_start(const lease& one);
// Absent where another program wrote something else.
[[nodiscard]] std::optional<lease> read_lease_value(const managed_name& name, const std::string& value);

// The number of the index part that lists this connection.
[[nodiscard]] unsigned shard_of(std::string_view member);
// The error of a command on this key.
[[nodiscard]] error key_error(const redis::reply& r, const std::string& operation, const std::string& key);
// The whole text as a number.
template <class T>
std::optional<T> number_in(std::string_view text) {
  T n{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace mcpstate
