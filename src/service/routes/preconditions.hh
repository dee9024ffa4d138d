// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <optional>

#include "service/routes/request_context.hh"

// What a write checks before it begins: If-Match and If-None-Match, and the limit on an owner's connections.
namespace mcpstate::service {

// How many connections an owner may have when a request with an owner token makes one more. Each may be a process.
inline constexpr std::size_t max_owner_connections = 100;

[[nodiscard]] inline bool is_conditional(const http_request& request) noexcept {
  return request.if_match.has_value() || request.if_none_match.has_value();
}
// Compares If-Match and If-None-Match of a write with the record that was read. Absent: they hold, or there are none.
[[nodiscard]] std::optional<problem> check_match(const http_request& request, const std::optional<connection>& found);
// How many connections the owner may have for the sender to make one more: a limit of the step that writes. 0: any number.
[[nodiscard]] std::size_t connection_limit(const request_context& context) noexcept;

}  // namespace mcpstate::service
