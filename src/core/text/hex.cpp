// SPDX-License-Identifier: MIT
#include "core/text/hex.hh"

namespace mcpstate {

void append_hex(std::string& out, unsigned char byte, hex_case letters) {
  const std::string_view digits = letters == hex_case::lower ? "0123456789abcdef" : "0123456789ABCDEF";
  out += digits[byte >> 4u];
  out += digits[byte & 15u];
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) append_hex(out, static_cast<unsigned char>(c));
  return out;
}

std::optional<unsigned> hex_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A' + 10);
  return std::nullopt;
}

}  // namespace mcpstate
