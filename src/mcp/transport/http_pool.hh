// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/mcp/target.hpp>

#include "http/pool.hh"
#include "mcp/transport/transport.hh"

namespace mcpstate::mcp {

// The connections of an HTTP transport to its server.
[[nodiscard]] pool_options pool_of(http_target server, transport_options options);

}  // namespace mcpstate::mcp
