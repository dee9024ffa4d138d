// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

// Numbers in a backup: unsigned, the most significant byte first.
namespace mcpstate::archive {

template <std::unsigned_integral N>
void append_number(std::string& out, N value) {
  for (std::size_t i = sizeof(N); i-- > 0;) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

// bytes: at least sizeof(N).
template <std::unsigned_integral N>
[[nodiscard]] N number_at(std::string_view bytes) noexcept {
  N out = 0;
  for (std::size_t i = 0; i < sizeof(N); ++i) out = static_cast<N>((out << 8) | static_cast<unsigned char>(bytes[i]));
  return out;
}

// Takes a number off the front.
template <std::unsigned_integral N>
[[nodiscard]] N take_number(std::string_view& bytes) noexcept {
  const N out = number_at<N>(bytes);
  bytes.remove_prefix(sizeof(N));
  return out;
}

}  // namespace mcpstate::archive
