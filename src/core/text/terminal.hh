// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

// Which characters are dangerous on a terminal and in a log. Pure.
namespace mcpstate {

// The code point of one UTF-8 character (utf8_length() bytes long).
[[nodiscard]] char32_t code_point(std::string_view character) noexcept;

// Whether a terminal acts on a character, or shows the text around it otherwise than it is: control characters (C0, DEL,
// C1), line and paragraph separators, marks that turn the writing direction, and the byte order mark.
[[nodiscard]] bool acts_on_terminal(char32_t c) noexcept;

}  // namespace mcpstate
