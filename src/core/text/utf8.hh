// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string_view>

// UTF-8. Pure.
namespace mcpstate {

// How many bytes the UTF-8 character at the front takes; 0 when there is none (invalid, cut off, or no bytes).
[[nodiscard]] std::size_t utf8_length(std::string_view bytes) noexcept;

// The first character of a non-empty text; one invalid byte where there is none.
struct utf8_character {
  char32_t code_point = 0;
  std::size_t length = 1;  // in bytes
  bool valid = false;
};
[[nodiscard]] utf8_character first_character(std::string_view text) noexcept;

[[nodiscard]] bool is_valid_utf8(std::string_view bytes) noexcept;

}  // namespace mcpstate
