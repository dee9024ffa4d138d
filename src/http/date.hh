// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string_view>

#include <mcpstate/core/time.hpp>

// Dates as HTTP writes them. Pure.
namespace mcpstate::http {

// The three forms that a recipient has to know (RFC 9110 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94
// 08:49:37 GMT" and "Sun Nov  6 08:49:37 1994". Absent for any other text.
[[nodiscard]] std::optional<timestamp> parse_date(std::string_view text);

}  // namespace mcpstate::http
