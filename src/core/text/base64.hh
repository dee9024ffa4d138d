// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

// Base64 in its two alphabets (RFC 4648, sections 4 and 5). Pure.
namespace mcpstate {

// The standard alphabet, padded.
[[nodiscard]] std::string to_base64(std::string_view bytes);
// The alphabet for URLs, without padding.
[[nodiscard]] std::string to_base64url(std::string_view bytes);
// Exactly what to_base64url answers for some bytes: no padding, no other characters, unused bits zero. Absent otherwise.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace mcpstate
