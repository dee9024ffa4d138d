// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>

// A stored tool list as people read it. Pure.
namespace mcpstate::cli {

struct tool_line {
  std::string name;
  std::string about;  // the first line of the description, else the title
};
// In the list's order. A tool without a name is shown as "?". junk_record when the bytes are no JSON array.
[[nodiscard]] result<std::vector<tool_line>> tools_in(std::string_view bytes);

}  // namespace mcpstate::cli
