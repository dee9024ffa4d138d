// SPDX-License-Identifier: MIT
#include "cli/view/text.hh"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/text/utf8.hh"

namespace mcpstate::cli {

namespace {

struct range {
  char32_t first, last;
};

// Blocks, not single characters: good enough to line up a table.
// clang-format off
constexpr range combining[] = {
    {0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x64b, 0x65f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
    {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}};
constexpr range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
// clang-format on

template <std::size_t N>
bool within(const range (&ranges)[N], char32_t c) noexcept {
  return std::any_of(std::begin(ranges), std::end(ranges), [c](const range& r) { return c >= r.first && c <= r.last; });
}

std::size_t width_of(const utf8_character& c) noexcept {
  if (!c.valid) return 1;
  return within(combining, c.code_point) ? 0 : within(wide, c.code_point) ? 2 : 1;
}

}  // namespace

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto c = first_character(text);
    width += width_of(c);
    text.remove_prefix(c.length);
  }
  return width;
}

std::string cut_to_width(std::string_view text, std::size_t width) {
  if (width == 0) return {};
  if (display_width(text) <= width) return std::string(text);
  std::size_t used = 0, kept = 0;
  while (kept < text.size()) {
    const auto c = first_character(text.substr(kept));
    if (used + width_of(c) > width - 1) break;
    used += width_of(c);
    kept += c.length;
  }
  return std::string(text.substr(0, kept)) + "…";
}

std::string relative_time(timestamp t, timestamp now) {
  using namespace std::chrono;
  const auto distance = t > now ? t - now : now - t;
  struct unit {
    microseconds size, upto;
    const char* name;
  };
  // Each unit is used until the next one would read better after rounding.
  const std::array<unit, 4> units{{{1s, 60s, "s"}, {1min, 60min, "min"}, {1h, 48h, "h"}, {24h, microseconds::max(), "d"}}};
  if (distance < 500ms) return "now";
  for (const auto& u : units) {
    const auto n = distance / u.size + (distance % u.size >= u.size / 2 ? 1 : 0);
    if (u.upto != microseconds::max() && n >= u.upto / u.size) continue;
    const std::string amount = std::to_string(n) + " " + u.name;
    return t > now ? "in " + amount : amount + " ago";
  }
  return {};
}

std::string relative_time(const std::optional<timestamp>& t, timestamp now) { return t ? relative_time(*t, now) : "-"; }

std::string duration_text(std::chrono::milliseconds d) {
  using namespace std::chrono;
  if (d < 1s || d % 1s != 0ms) return std::to_string(d.count()) + " ms";
  const auto h = duration_cast<hours>(d);
  const auto m = duration_cast<minutes>(d - h);
  const auto s = duration_cast<seconds>(d - h - m);
  std::string out;
  const auto part = [&out](auto n, const char* name) {
    if (n != 0) out += (out.empty() ? "" : " ") + std::to_string(n) + " " + name;
  };
  part(h.count(), "h");
  part(m.count(), "min");
  part(s.count(), "s");
  return out;
}

std::string counted(std::uint64_t n, std::string_view noun) {
  return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units{"B", "KB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), unit == 0 || value >= 10 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return buffer.data();
}

}  // namespace mcpstate::cli
