// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

// Headers of a request, and what the values of some mean. Pure.
namespace mcpstate::http {

using header_list = std::vector<std::pair<std::string, std::string>>;
// Failure: bad_argument for a header that is malformed, or that this client sets itself.
[[nodiscard]] result<void> check_headers(const header_list& headers);

[[nodiscard]] bool has_header(const header_list& headers, std::string_view name);

// The error for a header that a caller may not set, because the client or its protocol does.
[[nodiscard]] error reserved_header(const std::string& name);

// The value of User-Agent, "mcpstate/1.0". Characters that the header cannot hold become '-'.
[[nodiscard]] std::string user_agent(std::string_view name, std::string_view version);

// "text/html" of "Text/HTML; charset=utf-8".
[[nodiscard]] std::string media_type(std::string_view content_type);

}  // namespace mcpstate::http
