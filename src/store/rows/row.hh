// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/record.hpp>
#include <mcpstate/store.hpp>

// One record of the stores without a server (memory, SQLite), and every decision about it. Pure: each decision takes the
// clock, the revision floor and the stored row, and answers the row to write.
namespace mcpstate {

struct row {
  row() {}
  std::string member;
  std::uint64_t revision = 0;
  timestamp expires_at{};                   // whole milliseconds
  std::optional<timestamp> expires_latest;  // whole milliseconds
  std::string status;                       // as in the status key of Redis
  std::optional<std::string> connected_at;
  std::string info_tail;  // encode_info_tail
  // In a read only if asked for; in a write only if they are replaced.
  std::shared_ptr<const std::string> tools;
};

// What happens to the stored tools of a row that is written.
enum class tools_write { keep, replace, drop };
struct row_write {
  row_write() {}
  row after;
  tools_write tools = tools_write::keep;
};

// The inputs of a decision beside the rows.
struct row_clock {
  timestamp now{};
  std::chrono::milliseconds ttl{};
  std::optional<std::chrono::milliseconds> max_lifetime;
  std::uint64_t revision_floor = 0;  // the largest revision of a row that was removed
};

[[nodiscard]] bool expired(const row& r, timestamp now) noexcept;
// The connection of a row. Uses read_record, as every store does.
[[nodiscard]] std::optional<connection> read_row(const owner& account, const row& r, tools_wanted want);

// Whether bytes are a list of at least one tool, which an empty list must not replace unless that was allowed.
[[nodiscard]] bool holds_tools(std::string_view bytes) noexcept;

// The row that a change makes of the stored one. An expired row counts as absent, but the new revision is larger than its.
// after: the record that store::put decided. Failure: conflict if the basis no longer holds, empty_tools if a good list
// would be lost. The tools of the stored row must be loaded when the change brings an empty list.
[[nodiscard]] result<row_write> decide_put(const std::optional<row>& stored, const change& update, const connection& after,
                                           const row_clock& clock);
// The session's row as a row of the user. Absent: the user's own row wins.
[[nodiscard]] std::optional<row_write> decide_claim(const row& session_row, const std::optional<row>& user_row,
                                                    const row_clock& clock);
// A record of another store as a row here. row_write is meant for `written` alone. stored: as in decide_put.
struct restored_row {
  restored_row() {}
  restore_outcome outcome = restore_outcome::present;
  row_write write;
};
[[nodiscard]] restored_row decide_restore(const std::optional<row>& stored, const connection& from, restore_rule rule,
                                          const row_clock& clock);
// The same row with a renewed expiry.
[[nodiscard]] row_write decide_touch(const row& stored, const row_clock& clock);
// The same row as DISCONNECTED; absent if it is already.
[[nodiscard]] std::optional<row_write> decide_disconnect(const owner& account, const row& stored, const row_clock& clock);

}  // namespace mcpstate
