// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

#include <mcpstate/core/keys.hpp>

namespace mcpstate {

// Whether a key has the form of key_space::server_owners: mcp:server:{server_name}:owners:{shard}. It belongs to no owner,
// so key_space::parse does not know it.
[[nodiscard]] bool is_server_owners(const key_space& keys, std::string_view key);

}  // namespace mcpstate
