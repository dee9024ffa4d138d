// SPDX-License-Identifier: MIT
#include "core/duration.hh"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "core/text/quoted.hh"

namespace mcpstate {

namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// Longest first where one unit begins another.
constexpr std::array<std::pair<std::string_view, milliseconds>, 5> units{
    {{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}}};
constexpr milliseconds longest = 24h * 3653;

// Takes "90m" off the front; absent when there is no number with a unit.
std::optional<milliseconds> take_part(std::string_view& text) {
  std::uint32_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const auto& [name, size] : units) {
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    return size * n;
  }
  return std::nullopt;
}

}  // namespace

result<milliseconds> parse_duration(std::string_view text, std::string_view name) {
  const auto wrong = [&](const char* fault) {
    return error(errc::bad_argument, std::string(name) + " " + mcpstate::quoted(text) + " " + fault);
  };
  milliseconds sum{0};
  auto rest = text;
  do {
    const auto part = take_part(rest);
    if (!part) return wrong("is not a duration: write 24h, 90m, 30s, 500ms or 1h30m");
    sum += *part;
    if (sum > longest) return wrong("is too long: at most 3653d");
  } while (!rest.empty());
  if (sum == 0ms) return wrong("must be more than nothing");
  return sum;
}

}  // namespace mcpstate
