// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/mcp/target.hpp>

namespace mcpstate::mcp {

// What is wrong with a target, as far as that shows without connecting. Failure: invalid.
[[nodiscard]] result<void> check_target(const target& server);

}  // namespace mcpstate::mcp
