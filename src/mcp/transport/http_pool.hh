// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

#include <mcpstate/mcp/target.hpp>

#include "http/pool.hh"
#include "mcp/transport/transport.hh"

namespace mcpstate::mcp {

// The header in which a server names a session, in lower case: the pool keeps it of each answer.
inline constexpr std::string_view session_header = "mcp-session-id";

// The connections of an HTTP transport to its server.
[[nodiscard]] http::pool_options pool_of(http_target server, transport_options options);

}  // namespace mcpstate::mcp
