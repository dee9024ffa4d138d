// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <mcpstate/core/error.hpp>
#include <mcpstate/lease.hpp>

namespace mcpstate {

inline constexpr std::size_t unheld_at_once = 256;  // fleet::unheld

// The answer to whoever writes under a lease that does not hold.
[[nodiscard]] error lease_is_lost(const managed_name& what);

}  // namespace mcpstate
