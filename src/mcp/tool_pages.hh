// SPDX-License-Identifier: MIT
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/tools.hpp>

// Collects the pages of tools/list into one list. Pure. Real servers send an empty or a constant cursor for ever, so a
// cursor that comes back on a page without a new tool ends the list, and everything is bounded.
namespace mcpstate::mcp {

class tool_pages {
 public:
  struct limits {
    limits() {}
    std::size_t max_pages = 100;
    std::size_t max_tools = 5000;
    std::size_t max_bytes = default_tools_limit;
  };
  explicit tool_pages(limits bounds) : bounds_(bounds) {}

  // Params of the request for the next page: {} for the first, the cursor exactly as it came for the others.
  [[nodiscard]] std::string next_params() const;
  // Whether the next page is asked for by cursor; the server may then refuse the cursor.
  [[nodiscard]] bool has_cursor() const noexcept { return !cursor_.empty(); }

  enum class verdict { more, done };
  // Takes the result of one request. protocol when it is no tool list, too_large past a limit.
  result<verdict> add(std::string_view page);
  // The server no longer takes its cursor: start over, once; false the second time.
  bool restart();

  // After done. All Tool objects, byte for byte, as one array.
  [[nodiscard]] result<tools_list> finish() &&;
  // "name: reason" of what was left out.
  [[nodiscard]] const std::vector<std::string>& dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::size_t pages() const noexcept { return pages_; }

 private:
  result<bool> take_tool(std::string_view tool);
  void drop(std::string what);

  limits bounds_;
  std::string bytes_ = "[";
  std::string cursor_;  // raw JSON string
  std::set<std::string, std::less<>> names_, cursors_;
  std::vector<std::string> dropped_;
  std::size_t pages_ = 0;
  bool restarted_ = false;
};

}  // namespace mcpstate::mcp
