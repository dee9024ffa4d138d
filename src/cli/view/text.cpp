// SPDX-License-Identifier: MIT
#include "cli/view/text.hh"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/text/terminal.hh"
#include "core/text/utf8.hh"

namespace mcpstate::cli {

namespace {

struct decoded {
  char32_t value = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// The first code point of non-empty text; one invalid byte where there is none.
decoded first_of(std::string_view text) noexcept {
  const auto size = utf8_length(text);
  if (size == 0) return {};
  return {code_point(text.substr(0, size)), size, true};
}

void append_escape(std::string& out, char32_t c) {
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else if (c == '\r') {
    out += "\\r";
  } else {
    std::array<char, 16> buffer{};
    const char* format = c < 0x80 ? "\\x%02x" : "\\u%04x";
    std::snprintf(buffer.data(), buffer.size(), format, static_cast<unsigned>(c));
    out += buffer.data();
  }
}

struct range {
  char32_t first, last;
};

template <std::size_t N>
bool within(const std::array<range, N>& ranges, char32_t c) noexcept {
  return std::any_of(ranges.begin(), ranges.end(), [c](const range& r) { return c >= r.first && c <= r.last; });
}

// Blocks, not single characters: good enough to line up a table.
constexpr std::array<range, 9> combining{{{0x300, 0x36F},
                                          {0x483, 0x489},
                                          {0x591, 0x5BD},
                                          {0x64B, 0x65F},
                                          {0x1AB0, 0x1AFF},
                                          {0x1DC0, 0x1DFF},
                                          {0x200B, 0x200D},
                                          {0x20D0, 0x20FF},
                                          {0xFE00, 0xFE0F}}};
constexpr std::array<range, 10> wide{{{0x1100, 0x115F},
                                      {0x2E80, 0x303E},
                                      {0x3041, 0xA4CF},
                                      {0xAC00, 0xD7A3},
                                      {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F},
                                      {0xFF00, 0xFF60},
                                      {0xFFE0, 0xFFE6},
                                      {0x1F300, 0x1FAFF},
                                      {0x20000, 0x3FFFD}}};

std::size_t width_of(char32_t c) noexcept { return within(combining, c) ? 0 : within(wide, c) ? 2 : 1; }

}  // namespace

std::string shown(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto c = first_of(text);
    if (!c.valid) {
      std::array<char, 8> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(text[0])));
      out += buffer.data();
    } else if (acts_on_terminal(c.value)) {
      append_escape(out, c.value);
    } else {
      out.append(text.substr(0, c.bytes));
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto c = first_of(text);
    width += c.valid ? width_of(c.value) : 1;
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string cut_to_width(std::string_view text, std::size_t width) {
  if (width == 0) return {};
  if (display_width(text) <= width) return std::string(text);
  std::size_t used = 0, kept = 0;
  while (kept < text.size()) {
    const auto c = first_of(text.substr(kept));
    const std::size_t more = c.valid ? width_of(c.value) : 1;
    if (used + more > width - 1) break;
    used += more;
    kept += c.bytes;
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
