// SPDX-License-Identifier: MIT
#include "core/text/utf8.hh"

#include <cstdint>
#include <cstring>

namespace mcpstate {

// The well-formed sequences of Unicode 15, table 3-7: no over-long forms, no surrogates, nothing above U+10FFFF.
std::size_t utf8_length(std::string_view bytes) noexcept {
  if (bytes.empty()) return 0;
  const auto at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (bytes.size() < length) return 0;
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((at(i) & 0xc0u) != 0x80u) return 0;
  }
  return length;
}

utf8_character first_character(std::string_view text) noexcept {
  const auto length = utf8_length(text);
  if (length == 0) return {};
  const auto lead = static_cast<unsigned char>(text[0]);
  char32_t code_point = length == 1 ? lead : lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  return {code_point, length, true};
}

bool is_valid_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    // Names and tools are nearly all ASCII: eight bytes at a time.
    std::uint64_t block = 0;
    while (bytes.size() >= sizeof block) {
      std::memcpy(&block, bytes.data(), sizeof block);
      if ((block & 0x8080808080808080u) != 0) break;
      bytes.remove_prefix(sizeof block);
    }
    if (bytes.empty()) return true;
    const std::size_t length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace mcpstate
