// SPDX-License-Identifier: MIT
#include <mcpstate/core/encoded_name.hpp>

#include <mcpstate/core/owner.hpp>

#include "core/text/hex.hh"

namespace mcpstate {
namespace {

constexpr bool is_encoded_byte(unsigned char byte) noexcept {
  return byte < 0x20 || byte == 0x7f ||
         std::string_view(":%{}*?[]\\").find(static_cast<char>(byte)) != std::string_view::npos;
}

// The value of an upper-case digit: the other case would give one name two encodings.
std::optional<unsigned> upper_hex_value(char digit) noexcept { return digit >= 'a' ? std::nullopt : hex_value(digit); }

}  // namespace

std::string encode_name(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_encoded_byte(byte)) {
      out += c;
      continue;
    }
    out += '%';
    append_hex(out, byte, hex_case::upper);
  }
  return out;
}

std::optional<std::string> decode_name(std::string_view encoded) {
  std::string out;
  out.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const char c = encoded[i];
    if (c != '%') {
      if (is_encoded_byte(static_cast<unsigned char>(c))) return std::nullopt;
      out += c;
      continue;
    }
    if (encoded.size() - i < 3) return std::nullopt;
    const auto high = upper_hex_value(encoded[i + 1]), low = upper_hex_value(encoded[i + 2]);
    if (!high || !low) return std::nullopt;
    const auto byte = static_cast<unsigned char>(*high * 16 + *low);
    if (!is_encoded_byte(byte)) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

member_name name_of_member(std::string_view member) {
  const std::optional<std::string> decoded = decode_name(member);
  if (decoded && server_name::parse(*decoded)) return {*decoded, false};
  return {std::string(member), true};
}

}  // namespace mcpstate
