// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/core/connection.hpp>

#include <optional>

namespace mcpstate {

// Whether a session's record of a server becomes the user's: the user's own wins only while it is CONNECTED.
[[nodiscard]] inline bool claim_moves(const std::optional<connection>& of_the_user) {
  return !of_the_user || !of_the_user->connected();
}

}  // namespace mcpstate
