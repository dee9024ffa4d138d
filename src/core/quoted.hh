// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

// Foreign bytes made fit for one line of text.
namespace mcpstate {

// 'up': at most 60 bytes of it, control bytes, backslashes, quotes and invalid UTF-8 as \xNN; what is left out shows as ….
[[nodiscard]] std::string quoted(std::string_view bytes);

// How many bytes the UTF-8 character at the front takes; 0 when there is none (invalid, cut off, or no bytes).
[[nodiscard]] std::size_t utf8_length(std::string_view bytes) noexcept;

}  // namespace mcpstate
