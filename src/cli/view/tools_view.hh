// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/tools.hpp>

// A tool list as people read it. Pure.
namespace mcpstate::cli {

struct tool_line {
  std::string name;
  std::string description;  // its first line, else the title
};
// Whether stored bytes are a JSON array: a foreign program may have written junk.
[[nodiscard]] bool is_tool_list(std::string_view bytes);
// In the list's order. A tool without a name is shown as "?". junk_record when the bytes are no JSON array.
[[nodiscard]] result<std::vector<tool_line>> parse_tool_lines(std::string_view bytes);

// One Tool object of a list that came from a server, as far as its host should know it.
struct tool_facts {
  tool_facts() {}
  std::string name;
  std::string description;  // as in tool_line
  std::string_view raw;     // into the list
  std::size_t description_bytes = 0;
  bool has_schema = false;       // inputSchema is an object, of type "object" or of none
  bool has_network_ref = false;  // a $ref that names a place on the network
  std::string header_fault;      // why its x-mcp-header cannot be used; empty: it can, or there is none
};
// The list lives longer than the answer.
[[nodiscard]] std::vector<tool_facts> inspect_tools(const tools_list& tools);

// Names, sorted.
struct tools_difference {
  tools_difference() {}
  std::vector<std::string> added, removed, changed;  // changed: other bytes under the same name
  [[nodiscard]] bool empty() const noexcept { return added.empty() && removed.empty() && changed.empty(); }
};
// before may be junk that another program has written: then all tools are new.
[[nodiscard]] tools_difference compare_tools(std::string_view before, const tools_list& after);

// Which tools were left out of a list, and why; empty for none.
[[nodiscard]] std::string dropped_tools_text(const std::vector<std::string>& dropped);

}  // namespace mcpstate::cli
