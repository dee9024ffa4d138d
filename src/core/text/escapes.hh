// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

// Escapes of URLs, JSON, HTML and of our own quoted(), one at a time. Pure.
namespace mcpstate {

struct unescaped {
  std::size_t length = 1;  // of the escape
  std::string bytes;       // what it stands for, in UTF-8; empty: this is no escape
};

// The escape at the front of a text that is not empty: "%2F", "\n", "\u00e9", "\x2f", "&amp;", "&#x2f;".
[[nodiscard]] unescaped read_escape(std::string_view text);

}  // namespace mcpstate
