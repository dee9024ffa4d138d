// SPDX-License-Identifier: MIT
#pragma once
#include <string>

// Text of peers where it comes in. Pure.
namespace mcpstate {

// The text with each mark that turns the writing direction replaced by U+FFFD: with them a text shows as another one, in a web
// page as in a terminal. Everything else stays, bytes that are no UTF-8 too.
[[nodiscard]] std::string without_directions(std::string text);

}  // namespace mcpstate
