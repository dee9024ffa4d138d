// SPDX-License-Identifier: MIT
#pragma once
#include <charconv>
#include <optional>
#include <string>

#include <string_view>
#include <system_error>

#include <mcpstate/lease.hpp>

#include "redis/reply.hh"

// What a lease key holds: "NUMBER LENGTH HOLDER REGISTERED" (scripts/parts/lease.lua), and what else the sources about
// leases share.
namespace mcpstate {

// How the value of exactly this lease begins.
[[nodiscard]] std::string lease_value_start(const lease& one);
// Absent where another program left something else.
[[nodiscard]] std::optional<lease> read_lease_value(const managed_name& of, const std::string& value);

// The part of an index that lists this connection.
[[nodiscard]] unsigned shard_of(std::string_view member);
// An error reply of a command on this key.
[[nodiscard]] error key_error(const redis::reply& r, const std::string& doing, const std::string& key);
// The whole text as a number.
template <class T>
std::optional<T> number_in(std::string_view text) {
  T n{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace mcpstate
