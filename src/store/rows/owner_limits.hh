// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/owner.hpp>

// The errors of a write that would take its owner over a limit. Nothing was written.
namespace mcpstate {

[[nodiscard]] error too_many_connections(const owner& account, std::size_t most);
[[nodiscard]] error tools_too_large(const owner& account, std::uint64_t most);

}  // namespace mcpstate
