// SPDX-License-Identifier: MIT
#include "core/text/terminal.hh"

namespace mcpstate {

char32_t code_point(std::string_view character) noexcept {
  const auto size = character.size();
  const auto lead = static_cast<unsigned char>(character[0]);
  char32_t value = size == 1 ? lead : lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) value = value << 6 | (static_cast<unsigned char>(character[i]) & 0x3Fu);
  return value;
}

bool acts_on_terminal(char32_t c) noexcept {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool separator = c == 0x2028 || c == 0x2029;
  const bool direction =
      c == 0x61C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return control || separator || direction || c == 0xFEFF;
}

}  // namespace mcpstate
