// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

// Values of the headers Mcp-Name and Mcp-Param-* (2026-07-28). Visible ASCII with inner spaces stays as it is. Any other
// text, and text that looks like an encoded value, becomes =?base64?…?=. Pure.
namespace mcpstate::mcp {

// Takes any bytes. The result holds no control character, and no space at its beginning or end. Empty stays empty.
[[nodiscard]] std::string encode_header_value(std::string_view text);

// The text that encode_header_value was given. Absent for a value with other characters, and for base64 that no encoder
// writes.
[[nodiscard]] std::optional<std::string> decode_header_value(std::string_view value);

}  // namespace mcpstate::mcp
