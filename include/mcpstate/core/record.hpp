// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/connection.hpp>

// The stored form of a connection, and the one reading of it that all stores share. Pure.
//
// :info is one JSON object whose first three members have fixed places, so that a script can read and refresh them without
// touching the rest (do not change the order or the widths):
//     {"revision":1790000000000000,"expires_at":1790000000000,"expires_latest":0,"status":"CONNECTED","connected_at":"…",…}
// expires_at and expires_latest are Unix milliseconds (0: no absolute limit). status and connected_at are what the record
// belongs to: where the status and connected_at keys say otherwise, a foreign program changed them since, and its word
// counts.
namespace mcpstate {

// What follows the three fixed members: from `"status":…` to the closing brace.
[[nodiscard]] std::string encode_info_tail(status state, const std::optional<timestamp>& connected_at, const details& info);
// The whole value, for stores without scripts.
[[nodiscard]] std::string encode_info(std::uint64_t revision, timestamp expires_at, std::optional<timestamp> expires_latest,
                                      std::string_view tail);

struct info_record {
  std::uint64_t revision = 0;
  std::optional<timestamp> expires_at;
  std::optional<timestamp> expires_latest;
  std::optional<status> state;
  std::optional<std::string> connected_at;  // raw text
  details info;
};
// Absent when the bytes are not such an object (nesting over 32 levels and over 1 MiB included).
[[nodiscard]] std::optional<info_record> decode_info(std::string_view bytes);

// The values of one record's keys, as read; absent where the key was.
struct raw_record {
  std::string member;  // set member bytes
  std::optional<std::string> status;
  std::optional<std::string> connected_at;
  std::optional<std::string> info;
  std::shared_ptr<const std::string> tools;
  bool tools_asked = false;
};
// The connection that these values mean, problems included; absent when nothing is there (a ghost, a name in a set only).
// Rules: the status key decides; a missing one with :info means DISCONNECTED; anything but the three words is reported and
// shown as DISCONNECTED; finer states and errors apply only where :info belongs to this status and connected_at.
[[nodiscard]] std::optional<connection> read_record(const owner& who, raw_record raw);

// Counts and hashes the tools that were read, if another program put others of the same length there: read_record() takes
// the word of :info for those.
void recount_tools(connection& c);

// The revision that follows: the larger of stored + 1 and the clock in microseconds.
[[nodiscard]] std::uint64_t next_revision(std::uint64_t stored, timestamp now) noexcept;

}  // namespace mcpstate
