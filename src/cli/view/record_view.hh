// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/core/error.hpp>

#include "cli/view/table.hh"

// Connections as people read them. Pure.
namespace mcpstate::cli {

[[nodiscard]] tone status_tone(std::optional<status> s) noexcept;
// "user:42 github": for messages.
[[nodiscard]] std::string connection_label(const owner& account, const std::string& server);
// Why a command does not write over this record: mcpstate itself manages the connection, as HTTP refuses it too.
[[nodiscard]] error managed_refusal(const connection& record);
// One row per connection. now: what times are relative to.
[[nodiscard]] table connection_table(const std::vector<connection>& records, timestamp now);
// Everything known about one, a fact per line.
[[nodiscard]] std::string connection_sheet(const connection& record, timestamp now, bool colour);

}  // namespace mcpstate::cli
