// SPDX-License-Identifier: MIT
#include "core/quoted.hh"

namespace mcpstate {
namespace {

constexpr std::size_t shown_bytes = 60;

void append_hex(std::string& out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\x";
  out += digits[byte >> 4u];
  out += digits[byte & 15u];
}

bool plain(unsigned char byte) noexcept { return byte >= 0x20 && byte != 0x7f && byte != '\'' && byte != '\\'; }

}  // namespace

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

std::string quoted(std::string_view bytes) {
  std::string out = "'";
  std::size_t done = 0;
  while (done < bytes.size() && done < shown_bytes) {
    const std::string_view rest = bytes.substr(done);
    const std::size_t length = utf8_length(rest);
    if (length > 1 || (length == 1 && plain(static_cast<unsigned char>(rest[0])))) {
      out += rest.substr(0, length);
    } else {
      append_hex(out, static_cast<unsigned char>(rest[0]));
    }
    done += length == 0 ? 1 : length;
  }
  out += done < bytes.size() ? "…'" : "'";
  return out;
}

}  // namespace mcpstate
