// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "service/routes/record_body.hh"
#include "service/routes/request_context.hh"

// Responses that several handlers make.
namespace mcpstate::service {

// 200 with a body and its entity tag, or 304 when the client has it already (If-None-Match).
[[nodiscard]] http_response tagged_response(const request_context& context, std::string body, std::string etag);
[[nodiscard]] http_response tagged_response(const request_context& context, record_body body, std::string etag);
// {"name":n}
[[nodiscard]] http_response count_response(std::string_view name, std::uint64_t n);
// A record, with its entity tag.
[[nodiscard]] http_response record_response(const connection& record);
// The problem that the owner has no connection of this name.
[[nodiscard]] problem not_found(const request_context& context);

}  // namespace mcpstate::service
