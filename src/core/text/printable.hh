// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

// Text that others chose (names, what a server said), made harmless for a terminal. Pure.
namespace mcpstate {

// Whether a terminal acts on this character, or a reader would take it for another one: control characters (C0, DEL, C1),
// line separators, the marks that turn the writing direction, and the byte-order mark.
[[nodiscard]] bool acts_on_terminal(char32_t code_point) noexcept;

// One line with nothing that a terminal acts on: such characters become \n, \t, \r, \x1b or \u202e; bytes that are no UTF-8
// become \xff. Everything else stays as it is.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace mcpstate
