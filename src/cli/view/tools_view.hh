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
  std::string about;  // the first line of the description, else the title
};
// In the list's order. A tool without a name is shown as "?". junk_record when the bytes are no JSON array.
[[nodiscard]] result<std::vector<tool_line>> tools_in(std::string_view bytes);

// One Tool object of a list that came from a server, as far as its host should know it.
struct tool_fact {
  tool_fact() {}
  std::string name;
  std::string about;     // as in tool_line
  std::string_view raw;  // into the list
  std::size_t description_bytes = 0;
  bool has_schema = false;        // inputSchema is an object, of type "object" or of none
  bool refers_elsewhere = false;  // a $ref that names a place on the network
  std::string bad_header;         // why its x-mcp-header cannot be used; empty: it can, or there is none
};
// The list lives longer than the answer.
[[nodiscard]] std::vector<tool_fact> facts_of(const tools_list& tools);

// Names, sorted.
struct tools_difference {
  tools_difference() {}
  std::vector<std::string> added, removed, changed;  // changed: other bytes under the same name
  [[nodiscard]] bool none() const noexcept { return added.empty() && removed.empty() && changed.empty(); }
};
// before may be junk that another program has written: then all tools are new.
[[nodiscard]] tools_difference compare_tools(std::string_view before, const tools_list& after);

}  // namespace mcpstate::cli
