// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/mcp/target.hpp>

namespace mcpstate::mcp {

// What is wrong with a target, as far as that can be seen without trying.
[[nodiscard]] result<void> check_target(const target& where);

}  // namespace mcpstate::mcp
