// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/lease.hpp>

namespace mcpstate {

// "user:42:github", with id and server encoded as in key names. Different connections have different texts, so a text can be
// a member of an index, and a cursor.
[[nodiscard]] std::string to_text(const managed_name& name);
[[nodiscard]] std::optional<managed_name> managed_from_text(std::string_view text);

}  // namespace mcpstate
