// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <mcpstate/core/error.hpp>
#include <mcpstate/lease.hpp>

namespace mcpstate {

inline constexpr std::size_t unheld_at_once = 256;  // fleet::unheld

// The error of a write under a lease that has run out or belongs to another holder.
[[nodiscard]] error lease_is_lost(const managed_name& name);

}  // namespace mcpstate
