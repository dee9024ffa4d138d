// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include <mcpstate/change.hpp>

#include "redis/durable/durable_group.hh"
#include "redis/reply.hh"

// The answers of the scripts that write records. Pure.
namespace mcpstate {

// A number that Redis answers as such or as text; 0 for anything else.
[[nodiscard]] std::int64_t number_in(const redis::reply& r);
// The error where the script refused a write.
[[nodiscard]] std::optional<error> refusal(const redis::reply& answer, const std::string& operation);
// The same of one record of an owner who may have reached a limit. most_bytes: store_options::owner_bytes.
[[nodiscard]] std::optional<error> refusal(const redis::reply& answer, const change& update, std::uint64_t most_bytes,
                                           const std::string& operation);
// The error where a script has written and fewer replicas than wanted have it. Absent: enough have it, or it wrote nothing.
[[nodiscard]] std::optional<error> unconfirmed(const redis::reply& answer, const redis::confirmation& copies,
                                               const std::string& operation);
// Makes `after` the record as the script has written it.
void set_written(connection& after, const redis::reply& answer);

}  // namespace mcpstate
