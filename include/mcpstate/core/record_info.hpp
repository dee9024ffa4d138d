// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/connection.hpp>

// The :info value: what mcpstate stores of a connection beside the four documented keys. One JSON object:
//
//     {"revision":1790000000000000,"expires_at":1790000000000,"expires_latest":0,"status":"CONNECTED","connected_at":"…",…}
//
// Scripts read and refresh the first three members without touching the rest, so neither their order nor their form may
// change. revision is a number from 0 to max_revision. expires_at and expires_latest are Unix milliseconds; 0 in expires_latest means
// that there is no absolute limit. status and connected_at name the values of the other keys that this record belongs to:
// where those keys hold something else, a foreign program has changed them since, and its word counts.
//
// All functions are pure, safe from any thread, and throw only std::bad_alloc.
namespace mcpstate {

// What follows the three fixed members: from `"status":…` to the closing brace.
[[nodiscard]] std::string encode_info_tail(status state, const std::optional<timestamp>& connected_at, const details& info);
// The whole value, for stores without scripts.
[[nodiscard]] std::string encode_info(std::uint64_t revision, timestamp expires_at, std::optional<timestamp> expires_latest,
                                      std::string_view tail);

// The largest revision: a script cannot count further. What is larger is no revision.
inline constexpr std::uint64_t max_revision = (std::uint64_t{1} << 53) - 1;
// No longer value is read as an :info.
inline constexpr std::size_t max_info_bytes = std::size_t{1024} * 1024;

struct info_record {
  std::uint64_t revision = 0;
  std::optional<timestamp> expires_at;
  std::optional<timestamp> expires_latest;
  std::optional<status> state;
  std::optional<std::string> connected_at;  // as it is written
  details info;
};
// Absent when the bytes are no JSON object with a revision, are nested over 32 levels, or are over 1 MiB. A member of the
// wrong type counts as absent; unknown members are ignored.
[[nodiscard]] std::optional<info_record> decode_info(std::string_view bytes);

// The revision, where the three fixed members stand as scripts look for them; absent otherwise. A reader must see the
// revision that a script sees, whatever follows it: a write could never meet another basis.
[[nodiscard]] std::optional<std::uint64_t> revision_of_info(std::string_view bytes) noexcept;

}  // namespace mcpstate
