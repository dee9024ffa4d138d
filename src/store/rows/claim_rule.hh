// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/core/connection.hpp>

#include <optional>

namespace mcpstate {

// Whether a claim moves a session's record of a server to the user. The user's own record wins only while it is CONNECTED.
[[nodiscard]] inline bool claim_moves(const std::optional<connection>& user_record) {
  return !user_record || !user_record->connected();
}

}  // namespace mcpstate
