// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

// Bytes as hexadecimal digits. Pure.
namespace mcpstate {

enum class hex_case { lower, upper };

// Appends the two digits of a byte.
void append_hex(std::string& out, unsigned char byte, hex_case letters = hex_case::lower);
// Two digits a byte.
[[nodiscard]] std::string to_hex(std::string_view bytes);
// The value of a digit of either case; absent for any other character.
[[nodiscard]] std::optional<unsigned> hex_value(char digit) noexcept;

}  // namespace mcpstate
