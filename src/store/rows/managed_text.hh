// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/lease.hpp>

namespace mcpstate {

// "user:42:github", id and server encoded as in key names: injective, so it serves as a member of an index and as a cursor.
[[nodiscard]] std::string to_text(const managed_name& what);
[[nodiscard]] std::optional<managed_name> managed_from_text(std::string_view text);

}  // namespace mcpstate
