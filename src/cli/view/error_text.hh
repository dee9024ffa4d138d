// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// Errors as one line for people: what happened, what to do about it, and what the peer said. Pure.
namespace mcpstate::cli {

// " (it says: …)", at most max_width columns of it; empty when the peer said nothing.
[[nodiscard]] std::string peer_suffix(std::string_view peer_text, std::size_t max_width);

// Of the store: "redis h:1; check user and password in the store's URL (it says: WRONGPASS)".
[[nodiscard]] std::string store_error_text(const error& e);
// Of an MCP server: "connecting to github failed: …; what to do (it says: …)". action: "connecting to github".
[[nodiscard]] std::string server_error_text(const std::string& action, const error& e);

}  // namespace mcpstate::cli
