// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

// Values of the headers Mcp-Name and Mcp-Param-* (2026-07-28): any text as visible ASCII and inner spaces. What is none, or
// could be mistaken for an encoded value, travels as =?base64?…?=. Pure.
namespace mcpstate::mcp {

// Of any bytes; the result never holds a control character, and never begins or ends with a space. Empty stays empty.
[[nodiscard]] std::string encode_header_value(std::string_view text);

// What encode_header_value was given. Absent for a value that holds other characters, or base64 that is not exactly what an
// encoder writes.
[[nodiscard]] std::optional<std::string> decode_header_value(std::string_view value);

}  // namespace mcpstate::mcp
