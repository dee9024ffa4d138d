// SPDX-License-Identifier: MIT
#include "mcp/tool_pages.hh"

#include "mcp/json_slice.hh"

namespace mcpstate::mcp {
namespace {

constexpr std::size_t max_dropped = 100;  // reports; there is no point in more of them

error too_many(std::string_view what, std::size_t limit) {
  return error(errc::too_large, "the server lists more than " + std::to_string(limit) + " " + std::string(what));
}

}  // namespace

std::string tool_pages::next_params() const { return cursor_.empty() ? "{}" : "{\"cursor\":" + cursor_ + "}"; }

void tool_pages::drop(std::string what) {
  if (dropped_.size() < max_dropped) dropped_.push_back(std::move(what));
}

// True if the tool is a new one.
result<bool> tool_pages::take_tool(std::string_view tool) {
  if (kind_of(tool) != json_kind::object) {
    drop("(unnamed): not an object");
    return false;
  }
  const auto raw_name = find_member(tool, "name");
  const auto name = raw_name ? text_of(*raw_name) : std::nullopt;
  if (!name) {
    drop("(unnamed): it has no name");
    return false;
  }
  if (!names_.insert(*name).second) {
    drop(*name + ": a second tool of this name");
    return false;
  }
  if (names_.size() > bounds_.max_tools) return too_many("tools", bounds_.max_tools);
  if (bytes_.size() > 1) bytes_ += ',';
  if (bytes_.size() + tool.size() + 1 > bounds_.max_bytes) return too_many("bytes of tools", bounds_.max_bytes);
  bytes_ += tool;
  return true;
}

result<tool_pages::verdict> tool_pages::add(std::string_view page) {
  if (kind_of(page) != json_kind::object) return error(errc::protocol, "the answer to tools/list is not an object");
  const auto tools = find_member(page, "tools");
  if (!tools || kind_of(*tools) != json_kind::array)
    return error(errc::protocol, "the answer to tools/list has no array \"tools\"");
  const std::size_t reports = dropped_.size();
  bool news = false;
  for (const std::string_view tool : elements_of(*tools)) {
    const auto taken = take_tool(tool);
    if (!taken) return taken.error();
    news = news || *taken;
  }
  ++pages_;
  const auto next = find_member(page, "nextCursor");
  if (!next || kind_of(*next) == json_kind::null || *next == "\"\"") return verdict::done;
  if (kind_of(*next) != json_kind::string) return error(errc::protocol, "nextCursor of tools/list is not a string");
  const bool repeated = !cursors_.emplace(*next).second;
  if (repeated && !news) {
    dropped_.resize(reports);  // a page that came again says nothing about its tools
    return verdict::done;
  }
  if (pages_ >= bounds_.max_pages) return too_many("pages of tools", bounds_.max_pages);
  cursor_ = *next;
  return verdict::more;
}

bool tool_pages::restart() {
  if (restarted_) return false;
  *this = tool_pages(bounds_);
  restarted_ = true;
  return true;
}

result<tools_list> tool_pages::finish() && {
  bytes_ += ']';
  return tools_list::parse(std::move(bytes_), bounds_.max_bytes);
}

}  // namespace mcpstate::mcp
