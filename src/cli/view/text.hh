// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/time.hpp>

// Text for people: how wide it is in a terminal, how long ago something was, how much of something there is. Pure.
namespace mcpstate::cli {

// Columns that valid UTF-8 takes in a terminal: wide East Asian characters and emoji take two, combining marks none.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;
// The longest beginning that fits, with "…" in its last column when something was cut off.
[[nodiscard]] std::string cut_to_width(std::string_view text, std::size_t width);

// "now", "42 s ago", "3 min ago", "5 h ago", "12 d ago"; "in 23 h" for what is to come. Rounded to the nearest.
[[nodiscard]] std::string relative_time(timestamp t, timestamp now);
// "-" when there is none.
[[nodiscard]] std::string relative_time(const std::optional<timestamp>& t, timestamp now);
// "90 s", "24 h", "1 h 30 min": of a setting.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds d);
// "1 tool", "3 tools".
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view noun);
// "812 B", "4.1 KB", "16 MB" (powers of 1024).
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace mcpstate::cli
