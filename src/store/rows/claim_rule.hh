// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/core/connection.hpp>

#include <optional>
#include <string>

namespace mcpstate {

// Whether a claim moves a session's record of a server to the user. The user's own record wins only while it is CONNECTED.
[[nodiscard]] inline bool claim_moves(const std::optional<connection>& user_record) {
  return !user_record || !user_record->connected();
}

// The details of a session's record as the user's record has them.
[[nodiscard]] inline details claimed_details(const connection& session_record) {
  details out = session_record.info;
  out.claimed_from = std::to_string(session_record.revision) + " " + session_record.owner.text();
  return out;
}

// Whether somebody is to manage the record.
[[nodiscard]] inline bool needs_lease(const connection& record) {
  return record.info.managed && record.state != status::disconnected;
}

}  // namespace mcpstate
