// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

// Points in time as they are stored and shown: UTC, microseconds, ISO 8601.
//
// Functions are pure, safe from any thread, and throw only std::bad_alloc. Times stay within the years 1 to 9999.
namespace mcpstate {

using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// 2026-11-22T14:30:59.553780+00:00, always 32 bytes: the form that Python's isoformat() writes and reads.
[[nodiscard]] std::string to_iso8601(timestamp t);

struct parsed_time {
  timestamp time;
  bool naive = false;  // it had no zone; read as UTC
};
// Accepts T or a space between date and time, 0 to 9 fractional digits, Z, an offset, or nothing (naive). Absent for any
// other text, and for a date or time that does not exist.
[[nodiscard]] std::optional<parsed_time> from_iso8601(std::string_view text);

// Where "now" comes from. Stores take one, so that tests decide what time it is. Implementations are safe from any thread.
class clock_source {
 public:
  virtual ~clock_source() = default;
  [[nodiscard]] virtual timestamp now() const = 0;
};
[[nodiscard]] const clock_source& wall_clock() noexcept;

}  // namespace mcpstate
