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

// Collects the pages of tools/list (or of another list) into one. Pure. Real servers send an empty or a constant cursor
// without end, so a cursor that repeats on a page without new items ends the list, and everything is bounded.
namespace mcpstate::mcp {

// A kind of list in the protocol.
struct list_kind {
  std::string_view method;    // "tools/list"
  std::string_view array;     // the member of the result that holds the items
  std::string_view item;      // the word for one item
  std::string_view identity;  // the member that identifies an item
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
    // 2026-07-28: an empty cursor is a cursor, which ends the list in earlier revisions; and resultType, ttlMs and
    // cacheScope count.
    bool modern = false;
    // 2026-07-28 over HTTP: a tool with a wrong x-mcp-header is left out.
    bool check_headers = false;
  };
  explicit tool_pages(limits bounds) : bounds_(bounds) {}

  // Params of the request for the next page: {} for the first, the cursor exactly as it came for the others.
  [[nodiscard]] std::string next_params() const;
  // The same as a single member ("cursor":"…"); empty for the first page.
  [[nodiscard]] std::string next_cursor_member() const;
  // Whether the next request has a cursor, which the server may refuse.
  [[nodiscard]] bool has_cursor() const noexcept { return !cursor_.empty(); }

  enum class progress { more, done };
  // Adds the result of one request. errc::protocol if it is no such list, too_large beyond a limit.
  result<progress> add(std::string_view page);
  // The server has refused its own cursor: begins anew. False the second time.
  bool restart();

  // After progress::done: all Tool objects, byte for byte, as one array.
  [[nodiscard]] result<tools_list> finish() &&;
  // The same of any kind of list, as text.
  [[nodiscard]] std::string take_array() &&;

  // "name: reason" of items that were left out; at most 100. Names are shortened, and fit on a line.
  [[nodiscard]] const std::vector<std::string>& dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::size_t pages() const noexcept { return pages_; }

  // With check_headers: the arguments that calls send as headers, by tool; tools without are not in it.
  using header_map = std::map<std::string, tool_header_list, std::less<>>;
  [[nodiscard]] const header_map& headers() const noexcept { return headers_; }

  // Modern era: how long the server calls the list fresh. The shortest time of all pages, at most 24 hours; zero if a page
  // has a time that is no integer or below zero. Absent if a page has no time and none has zero: the caller decides.
  [[nodiscard]] std::optional<std::chrono::milliseconds> ttl() const noexcept;
  // Modern era: whether every page says that the list is the same for all users. Else it is for this user only.
  [[nodiscard]] bool is_public() const noexcept { return pages_ > 0 && all_public_; }

 private:
  struct page_members;
  [[nodiscard]] result<page_members> read_page(std::string_view page) const;
  result<bool> take_item(std::string_view item);
  bool take_headers(const std::string& name, std::string_view tool);
  void take_freshness(const page_members& members);
  void drop(std::string_view name, std::string_view reason);
  [[nodiscard]] error too_many(std::string_view unit, std::size_t limit) const;
  [[nodiscard]] error not_a_list(std::string_view reason) const;

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
