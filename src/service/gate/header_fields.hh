// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string_view>

// Reads the values of single header fields. Pure.
namespace mcpstate::service {

// Content-Type: whether it is application/json, with or without a charset of UTF-8.
[[nodiscard]] bool is_json(std::string_view content_type);

// Authorization: the token of "Bearer …". Absent for another scheme.
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept;

// X-Request-Id: whether it can be used as it is: letters, digits and -._:/+= , at most 128 bytes.
[[nodiscard]] bool is_request_id(std::string_view text) noexcept;

}  // namespace mcpstate::service
