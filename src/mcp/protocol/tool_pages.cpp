// SPDX-License-Identifier: MIT
#include "mcp/protocol/tool_pages.hh"

#include <algorithm>
#include <cmath>

#include "core/json/slice.hh"
#include "core/text/quoted.hh"

namespace mcpstate::mcp {
namespace {

constexpr std::size_t max_dropped = 100;  // reports; more would not help anybody
constexpr std::size_t max_cursor_bytes = 65536;
constexpr std::size_t max_header_bytes = 512 * 1024;  // they stay for as long as the session
constexpr std::size_t longest_plain_name = 512;
constexpr std::size_t longest_name = 512;  // as of an owner or a server; identities of other kinds (URIs) may be longer
constexpr std::chrono::milliseconds longest_ttl = std::chrono::hours(24);

bool is_absent(const std::optional<std::string_view>& value) { return !value || kind_of(*value) == json_kind::null; }

std::chrono::milliseconds ttl_of(std::string_view value) {
  const double number = number_of(value).value_or(0);
  if (!(number > 0) || std::trunc(number) != number) return std::chrono::milliseconds(0);
  if (number >= static_cast<double>(longest_ttl.count())) return longest_ttl;
  return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(number));
}

// What tells a name from others, and takes little room.
std::string identity_of(std::string_view name) {
  return name.size() <= longest_plain_name ? std::string(name)
                                           : std::string(name.substr(0, longest_plain_name)) + sha256_tag(name);
}

}  // namespace

// The members of a result that count, raw.
struct tool_pages::page_members {
  std::string_view items;
  std::optional<std::string_view> next_cursor, result_type, ttl, scope;
};

std::string tool_pages::next_cursor_member() const { return cursor_.empty() ? std::string() : "\"cursor\":" + cursor_; }

std::string tool_pages::next_params() const { return "{" + next_cursor_member() + "}"; }

error tool_pages::too_many(std::string_view unit, std::size_t limit) const {
  return error(errc::too_large, "the server lists more than " + std::to_string(limit) + " " + std::string(unit) +
                                    std::string(bounds_.kind.array));
}

error tool_pages::not_a_list(std::string_view reason) const {
  return error(errc::protocol, "the answer to " + std::string(bounds_.kind.method) + " " + std::string(reason));
}

void tool_pages::drop(std::string_view name, std::string_view reason) {
  if (dropped_.size() >= max_dropped) return;
  const std::string shown = mcpstate::quoted(name);
  dropped_.push_back(shown.substr(1, shown.size() - 2) + ": " + std::string(reason));
}

// Answers whether the item is a new one.
result<bool> tool_pages::take_item(std::string_view item) {
  const list_kind& kind = bounds_.kind;
  if (kind_of(item) != json_kind::object) {
    drop("(unnamed)", "not an object");
    return false;
  }
  const auto raw_name = find_member(item, kind.identity);
  const auto name = raw_name ? text_of(*raw_name) : std::nullopt;
  if (!name) {
    drop("(unnamed)", "it has no " + std::string(kind.identity));
    return false;
  }
  if (kind.identity == "name" && name->size() > longest_name) {
    drop(*name, "its name is longer than " + std::to_string(longest_name) + " bytes");
    return false;
  }
  if (!names_.insert(identity_of(*name)).second) {
    drop(*name, "a second " + std::string(kind.item) + " of this " + std::string(kind.identity));
    return false;
  }
  if (names_.size() > bounds_.max_tools) return too_many("", bounds_.max_tools);
  if (bounds_.check_headers && !take_headers(*name, item)) return true;
  if (bytes_.size() > 1) bytes_ += ',';
  if (bytes_.size() + item.size() + 1 > bounds_.max_bytes) return too_many("bytes of ", bounds_.max_bytes);
  bytes_ += item;
  return true;
}

// False if the tool cannot be called over HTTP.
bool tool_pages::take_headers(const std::string& name, std::string_view tool) {
  auto headers = read_tool_headers(tool);
  if (!headers) {
    drop(name, headers.error().full_text());
    return false;
  }
  if (headers->empty()) return true;
  for (const tool_header& each : *headers) header_bytes_ += sizeof each + each.pointer.size() + each.name.size();
  if (header_bytes_ > max_header_bytes) {
    drop(name, "all tools together want too many headers");
    return false;
  }
  headers_.emplace(name, std::move(*headers));
  return true;
}

result<tool_pages::page_members> tool_pages::read_page(std::string_view page) const {
  if (kind_of(page) != json_kind::object) return not_a_list("is not an object");
  page_members out;
  std::optional<std::string_view> items;
  json_walk members(page);
  for (bool more = members.enter(); more; more = members.next()) {
    const std::string key = text_of(members.take_key()).value_or(std::string());
    const std::string_view value = members.take();
    if (key == bounds_.kind.array) items = value;
    if (key == "nextCursor") out.next_cursor = value;
    if (key == "resultType") out.result_type = value;
    if (key == "ttlMs") out.ttl = value;
    if (key == "cacheScope") out.scope = value;
  }
  if (bounds_.modern && !is_absent(out.result_type) && text_of(*out.result_type) != "complete") {
    const std::string kind = mcpstate::quoted(*out.result_type);
    return error(errc::protocol, not_a_list("is of a kind that lists do not have").detail(),
                 kind.substr(1, kind.size() - 2));
  }
  if (!items || kind_of(*items) != json_kind::array)
    return not_a_list("has no array \"" + std::string(bounds_.kind.array) + "\"");
  out.items = *items;
  return out;
}

void tool_pages::take_freshness(const page_members& members) {
  all_public_ = all_public_ && bounds_.modern && members.scope && text_of(*members.scope) == "public";
  if (!bounds_.modern || is_absent(members.ttl)) {
    without_ttl_ = true;
    return;
  }
  const auto ttl = ttl_of(*members.ttl);
  shortest_ttl_ = std::min(shortest_ttl_.value_or(ttl), ttl);
}

std::optional<std::chrono::milliseconds> tool_pages::ttl() const noexcept {
  if (without_ttl_ && shortest_ttl_ != std::chrono::milliseconds(0)) return std::nullopt;
  return shortest_ttl_;
}

result<tool_pages::progress> tool_pages::add(std::string_view page) {
  MCPSTATE_TRY(members, read_page(page));
  // At once, and no more than they take: growing takes three times as much while it lasts.
  if (pages_ == 0) bytes_.reserve(std::min(members.items.size() + 1, bounds_.max_bytes));
  const std::size_t reports = dropped_.size();
  bool news = false;
  std::size_t seen = 0;
  json_walk items(members.items);
  for (bool more = items.enter(); more; more = items.next()) {
    // Those that are left out take time as well.
    if (++seen > 2 * bounds_.max_tools) return too_many("items on a page of ", 2 * bounds_.max_tools);
    MCPSTATE_TRY(taken, take_item(items.take()));
    news = news || taken;
  }
  ++pages_;
  take_freshness(members);
  const auto& next = members.next_cursor;
  if (is_absent(next) || (!bounds_.modern && *next == "\"\"")) return progress::done;
  if (kind_of(*next) != json_kind::string) {
    return error(errc::protocol, "nextCursor of " + std::string(bounds_.kind.method) + " is not a string");
  }
  if (next->size() > max_cursor_bytes) return too_many("bytes in a cursor of ", max_cursor_bytes);
  const bool repeated = !cursors_.insert(sha256_tag(*next)).second;
  if (repeated && !news) {
    dropped_.resize(reports);  // a page that came twice: its items are no second ones
    return progress::done;
  }
  if (pages_ >= bounds_.max_pages) return too_many("pages of ", bounds_.max_pages);
  cursor_ = *next;
  return progress::more;
}

bool tool_pages::restart() {
  if (restarted_) return false;
  *this = tool_pages(bounds_);
  restarted_ = true;
  return true;
}

std::string tool_pages::take_array() && {
  bytes_ += ']';
  return std::move(bytes_);
}

result<tools_list> tool_pages::finish() && { return tools_list::parse(std::move(*this).take_array(), bounds_.max_bytes); }

}  // namespace mcpstate::mcp
