// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include <mcpstate/store/lease_store.hpp>

namespace mcpstate {

// A lease store that checks the input of every call, and passes it on to `target`, which outlives it.
[[nodiscard]] std::unique_ptr<lease_store> check_lease_input(lease_store& target);

}  // namespace mcpstate
