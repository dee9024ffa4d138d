// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include <mcpstate/store/lease_store.hpp>
#include <mcpstate/store/order.hpp>

namespace mcpstate {

// bad_argument unless the holder, the registered name and the time are what lease_store says.
[[nodiscard]] result<bool> check_lease_request(const lease_request& wanted);

// A lease store that checks the input of every call, and passes it on to `target`, which outlives it.
[[nodiscard]] std::unique_ptr<lease_store> check_lease_input(lease_store& target);

}  // namespace mcpstate
