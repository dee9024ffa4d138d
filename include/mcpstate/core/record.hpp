// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/core/error.hpp>
#include <mcpstate/core/record_info.hpp>

// From the stored values of one record to a connection: the one reading that all stores share.
//
// All functions are pure, safe from any thread, and throw only std::bad_alloc.
namespace mcpstate {

// No good value of the status and connected_at keys is longer. Of a longer one, this many bytes are read and compared.
inline constexpr std::size_t max_short_value = 128;
// The bytes of a status or connected_at that a basis holds.
[[nodiscard]] std::string basis_bytes(std::string_view value);

// The values of one record's keys, as read; absent where the key was. Values that are too long may be cut to their first
// max_short_value bytes.
struct raw_record {
  std::string member;  // set member bytes
  std::optional<std::string> status;
  std::optional<std::string> connected_at;
  std::optional<std::string> info;
  std::shared_ptr<const std::string> tools;
  bool tools_asked = false;
  bool tools_too_long = false;  // over default_tools_limit; they were not read
};
// The connection that these values mean, with its problems. Absent when there is neither a status nor an :info: the name
// then stands in a set only.
//
// The status key decides. A missing status beside an :info means DISCONNECTED. Any text but the three words makes the status
// unknown. Finer states and errors apply only where :info belongs to this status and connected_at.
[[nodiscard]] std::optional<connection> read_record(const owner& account, raw_record raw);

// Makes the status of a record unknown, and says why in its problems and its error. code: "junk_record", "wrong_type".
void set_unknown_status(connection& c, errc code, std::string why);

// Counts and hashes the tools that were read, if they are not those of :info. read_record() believes :info when the length
// agrees, because hashing costs many times the read; a caller that must know for certain calls this afterwards.
void recount_tools(connection& c);

// The revision as readers and scripts see it: 0 for what is larger than max_revision.
[[nodiscard]] constexpr std::uint64_t readable_revision(std::uint64_t stored) noexcept {
  return stored <= max_revision ? stored : 0;
}
// The revision that follows: the larger of stored + 1 and the clock in microseconds. Where stored + 1 could not be read, the
// revisions begin anew from the clock.
[[nodiscard]] std::uint64_t next_revision(std::uint64_t stored, timestamp now) noexcept;

}  // namespace mcpstate
