// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/tools.hpp>

#include "mcp/protocol/tool_headers.hh"

// Collects the pages of tools/list (or of another list) into one. Pure. Real servers send an empty or a constant cursor for
// ever, so a cursor that comes back on a page without anything new ends the list, and everything is bounded.
namespace mcpstate::mcp {

// What is listed.
struct list_kind {
  std::string_view method;    // "tools/list"
  std::string_view array;     // the member of the result that holds the items
  std::string_view item;      // what people call one
  std::string_view identity;  // the member that tells one from another
};
inline constexpr list_kind tool_lists{"tools/list", "tools", "tool", "name"};
inline constexpr list_kind prompt_lists{"prompts/list", "prompts", "prompt", "name"};
inline constexpr list_kind resource_lists{"resources/list", "resources", "resource", "uri"};
inline constexpr list_kind resource_template_lists{"resources/templates/list", "resourceTemplates", "resource template",
                                                   "uriTemplate"};

class tool_pages {
 public:
  struct limits {
    limits() {}
    list_kind kind = tool_lists;
    std::size_t max_pages = 100;
    std::size_t max_tools = 5000;  // items
    std::size_t max_bytes = default_tools_limit;
    // 2026-07-28: an empty cursor is one like any other, and ends the list in the revisions before; resultType, ttlMs and
    // cacheScope mean something.
    bool modern = false;
    // On HTTP in 2026-07-28: a tool with a wrong x-mcp-header is left out.
    bool check_headers = false;
  };
  explicit tool_pages(limits bounds) : bounds_(bounds) {}

  // Params of the request for the next page: {} for the first, the cursor exactly as it came for the others.
  [[nodiscard]] std::string next_params() const;
  // The same, as a member to put beside others ("cursor":"…"); empty for the first page.
  [[nodiscard]] std::string next_cursor_member() const;
  // Whether the next page is asked for by cursor; the server may then refuse the cursor.
  [[nodiscard]] bool has_cursor() const noexcept { return !cursor_.empty(); }

  enum class verdict { more, done };
  // Takes the result of one request. protocol when it is no such list, too_large past a limit.
  result<verdict> add(std::string_view page);
  // The server no longer takes its cursor: start over, once; false the second time.
  bool restart();

  // After done. All Tool objects, byte for byte, as one array.
  [[nodiscard]] result<tools_list> finish() &&;
  // The same of any kind of list, as text.
  [[nodiscard]] std::string take_array() &&;

  // "name: reason" of what was left out; at most 100. Names are shortened, and fit on a line.
  [[nodiscard]] const std::vector<std::string>& dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::size_t pages() const noexcept { return pages_; }

  // With check_headers: of each tool that has some, by name, what its calls send as headers.
  using header_map = std::map<std::string, tool_header_list, std::less<>>;
  [[nodiscard]] const header_map& headers() const noexcept { return headers_; }

  // How long the server says the list stays fresh (modern): the shortest time of any page, at most 24 hours; zero if a page
  // gives a time that is no integer or below zero. Absent when a page gives none and none gives zero: the caller's own rule.
  [[nodiscard]] std::optional<std::chrono::milliseconds> ttl() const noexcept;
  // Whether the list is for whoever asks this server (modern): every page says so. Otherwise it belongs to who asked.
  [[nodiscard]] bool is_public() const noexcept { return pages_ > 0 && all_public_; }

 private:
  struct page_members;
  [[nodiscard]] result<page_members> read_page(std::string_view page) const;
  result<bool> take_item(std::string_view item);
  bool take_headers(const std::string& name, std::string_view tool);
  void take_freshness(const page_members& in);
  void drop(std::string_view name, std::string_view reason);
  [[nodiscard]] error too_many(std::string_view what, std::size_t limit) const;
  [[nodiscard]] error not_a_list(std::string_view why) const;

  limits bounds_;
  std::string bytes_ = "[";
  std::string cursor_;  // raw JSON string
  std::set<std::string, std::less<>> names_, cursors_;
  std::vector<std::string> dropped_;
  header_map headers_;
  std::size_t pages_ = 0;
  std::optional<std::chrono::milliseconds> shortest_ttl_;
  bool without_ttl_ = false;  // a page had none
  bool all_public_ = true;
  bool restarted_ = false;
};

}  // namespace mcpstate::mcp
