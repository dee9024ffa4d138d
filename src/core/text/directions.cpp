// SPDX-License-Identifier: MIT
#include "core/text/directions.hh"

#include <string_view>
#include <utility>

namespace mcpstate {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view first_bytes = "\xD8\xE2";

// The length of the mark at the front; 0: there is none. U+061C; U+200E, U+200F, U+202A to U+202E; U+2066 to U+2069.
std::size_t mark_length(std::string_view text) noexcept {
  if (text.starts_with("\xD8\x9C")) return 2;
  if (text.size() < 3 || text[0] != '\xE2') return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const auto third = static_cast<unsigned char>(text[2]);
  const bool mark = third == 0x8E || third == 0x8F || (third >= 0xAA && third <= 0xAE);
  const bool isolate = third >= 0xA6 && third <= 0xA9;
  return (second == 0x80 && mark) || (second == 0x81 && isolate) ? 3 : 0;
}

}  // namespace

std::string without_directions(std::string text) {
  std::string_view rest = text;
  std::string out;
  for (std::size_t at = rest.find_first_of(first_bytes); at != std::string_view::npos;
       at = rest.find_first_of(first_bytes, at)) {
    const std::size_t length = mark_length(rest.substr(at));
    if (length == 0) {
      ++at;
      continue;
    }
    out.append(rest.substr(0, at)).append(replacement);
    rest.remove_prefix(at + length);
    at = 0;
  }
  return rest.size() == text.size() ? std::move(text) : out.append(rest);
}

}  // namespace mcpstate
