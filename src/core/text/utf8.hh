// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string_view>

// UTF-8. Pure.
namespace mcpstate {

// How many bytes the UTF-8 character at the front takes; 0 when there is none (invalid, cut off, or no bytes).
[[nodiscard]] std::size_t utf8_length(std::string_view bytes) noexcept;

[[nodiscard]] bool is_valid_utf8(std::string_view bytes) noexcept;

}  // namespace mcpstate
