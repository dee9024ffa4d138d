// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include <mcpstate/store/lease_store.hpp>

namespace mcpstate {

// Checks the input of every call before it reaches `inside`, which outlives it.
[[nodiscard]] std::unique_ptr<lease_store> check_lease_input(lease_store& inside);

}  // namespace mcpstate
