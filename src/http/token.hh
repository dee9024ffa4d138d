// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <string_view>

#include "core/text/ascii.hh"

// Tokens of HTTP (RFC 9110, 5.6.2): the names of headers, authentication schemes and their parameters. Pure.
namespace mcpstate::http {

[[nodiscard]] inline bool is_token_char(char c) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return is_letter(c) || is_digit(c) || marks.find(c) != std::string_view::npos;
}

[[nodiscard]] inline bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

}  // namespace mcpstate::http
