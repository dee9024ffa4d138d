// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/core/record_info.hpp>

// From the stored values of one record to a connection: the one reading that all stores share.
//
// All functions are pure, safe from any thread, and throw only std::bad_alloc.
namespace mcpstate {

// The values of one record's keys, as read; absent where the key was.
struct raw_record {
  std::string member;  // set member bytes
  std::optional<std::string> status;
  std::optional<std::string> connected_at;
  std::optional<std::string> info;
  std::shared_ptr<const std::string> tools;
  bool tools_asked = false;
};
// The connection that these values mean, with its problems. Absent when there is neither a status nor an :info: the name
// then stands in a set only.
//
// The status key decides. A missing status beside an :info means DISCONNECTED. Any text but the three words is reported and
// shown as DISCONNECTED. Finer states and errors apply only where :info belongs to this status and connected_at.
[[nodiscard]] std::optional<connection> read_record(const owner& account, raw_record raw);

// Counts and hashes the tools that were read, if they are not those of :info. read_record() believes :info when the length
// agrees, because hashing costs many times the read; a caller that must know for certain calls this afterwards.
void recount_tools(connection& c);

// The revision that follows: the larger of stored + 1 and the clock in microseconds.
[[nodiscard]] std::uint64_t next_revision(std::uint64_t stored, timestamp now) noexcept;

}  // namespace mcpstate
