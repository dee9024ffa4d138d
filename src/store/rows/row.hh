// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/record.hpp>
#include <mcpstate/store.hpp>

// How the stores without a server of their own (memory, SQLite) keep one record, and every decision about it. Pure: the
// clock, the floor for revisions and what is stored come in, the row to write comes out.
namespace mcpstate {

struct row {
  row() {}
  std::string member;
  std::uint64_t revision = 0;
  timestamp expires_at{};                   // whole milliseconds
  std::optional<timestamp> expires_latest;  // whole milliseconds
  std::string status;                       // what the status key would say
  std::optional<std::string> connected_at;
  std::string info_tail;  // encode_info_tail
  // Only when asked for in a read; in a write only when they are replaced.
  std::shared_ptr<const std::string> tools;
};

// What happens to the stored tools of a row that is written.
enum class tools_write { keep, replace, drop };
struct row_write {
  row_write() {}
  row after;
  tools_write tools = tools_write::keep;
};

// What decisions depend on beside the rows.
struct row_clock {
  timestamp now{};
  std::chrono::milliseconds ttl{};
  std::optional<std::chrono::milliseconds> max_lifetime;
  std::uint64_t revision_floor = 0;  // the largest revision of a row that is gone
};

[[nodiscard]] bool expired(const row& r, timestamp now) noexcept;
// The connection that a row means, by read_record like in every other store.
[[nodiscard]] std::optional<connection> read_row(const owner& who, const row& r, tools_wanted want);

// Whether bytes hold a list that an empty one must not replace unasked.
[[nodiscard]] bool holds_tools(std::string_view bytes) noexcept;

// The row that a change makes of `there` (absent, or expired: nothing is there, but revisions go on from it). `after` is
// what store::put decided. Conflict if the basis does not hold, empty_tools if a good list would be lost. The row's tools
// have to be loaded when the change brings an empty list.
[[nodiscard]] result<row_write> decide_put(const std::optional<row>& there, const change& what, const connection& after,
                                           const row_clock& clock);
// The session's row as the user's; absent: the user's own wins.
[[nodiscard]] std::optional<row_write> decide_claim(const row& sessions, const std::optional<row>& users,
                                                    const row_clock& clock);
// The same row, used now.
[[nodiscard]] row_write decide_touch(const row& there, const row_clock& clock);
// The same row, disconnected; absent if it is already.
[[nodiscard]] std::optional<row_write> decide_disconnect(const owner& who, const row& there, const row_clock& clock);

}  // namespace mcpstate
