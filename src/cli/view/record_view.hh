// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include <mcpstate/core/connection.hpp>

#include "cli/view/table.hh"

// Connections as people read them. Pure.
namespace mcpstate::cli {

[[nodiscard]] tone tone_of(status s) noexcept;
// One row per connection. now: what times are relative to.
[[nodiscard]] table table_of(const std::vector<connection>& records, timestamp now);
// Everything known about one, a fact per line.
[[nodiscard]] std::string sheet_of(const connection& record, timestamp now, bool colour);
// A JSON array of records, one to a line.
[[nodiscard]] std::string json_of(const std::vector<connection>& records);

}  // namespace mcpstate::cli
