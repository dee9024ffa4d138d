// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string>

#include "cli/view/probe_report.hh"

// How a probe's report is shown. Pure.
namespace mcpstate::cli {

// For people. max_width: of the terminal; 0: not limited.
[[nodiscard]] std::string probe_text(const probe_report& report, bool colour, std::size_t max_width);
// One JSON object; docs/mcp.md says what its members mean.
[[nodiscard]] std::string probe_json(const probe_report& report);

}  // namespace mcpstate::cli
