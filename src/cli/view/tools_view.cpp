// SPDX-License-Identifier: MIT
#include "cli/view/tools_view.hh"

#include <map>

#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "core/json/depth.hh"
#include "mcp/protocol/tool_headers.hh"

namespace mcpstate::cli {

namespace {

using mcp::json_kind;

constexpr std::size_t max_dropped_shown = 5;

std::string first_line(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

std::string short_description(std::string_view tool) {
  const std::string line = first_line(mcp::text_member(tool, "description"));
  return line.empty() ? mcp::text_member(tool, "title") : line;
}

bool has_object_schema(std::string_view tool) {
  const auto schema = object_member(tool, "inputSchema");
  if (!schema) return false;
  const auto type = mcp::find_member(*schema, "type");
  return !type || mcp::text_of(*type) == "object";
}

// Whether some "$ref" of the value begins with http.
bool find_network_ref(mcp::json_walk& walk) {
  bool found = false;
  const json_kind kind = walk.kind();
  if (kind == json_kind::array) {
    for (bool more = walk.enter(); more; more = walk.next()) found = find_network_ref(walk) || found;
  } else if (kind == json_kind::object) {
    for (bool more = walk.enter(); more; more = walk.next()) {
      const bool ref = mcp::text_of(walk.take_key()) == "$ref";
      if (ref && walk.kind() == json_kind::string) {
        const std::string url = mcp::text_of(walk.take()).value_or(std::string());
        found = found || url.starts_with("http://") || url.starts_with("https://");
      } else {
        found = find_network_ref(walk) || found;
      }
    }
  } else {
    walk.take();
  }
  return found;
}

bool has_network_ref(std::string_view tool) {
  if (tool.find("$ref") == std::string_view::npos) return false;
  mcp::json_walk walk(tool);
  return find_network_ref(walk);
}

tool_facts inspect_tool(std::string_view tool) {
  tool_facts out;
  out.raw = tool;
  out.name = mcp::text_member(tool, "name");
  out.description = short_description(tool);
  out.description_bytes = mcp::text_member(tool, "description").size();
  out.has_schema = has_object_schema(tool);
  out.has_network_ref = has_network_ref(tool);
  const auto headers = mcp::read_tool_headers(tool);
  if (!headers) out.header_fault = headers.error().full_text();
  return out;
}

// Raw Tool objects by name, of a list that may be anything.
std::map<std::string, std::string_view> tools_by_name(std::string_view list) {
  std::map<std::string, std::string_view> out;
  if (mcp::validate_json(list) || mcp::kind_of(list) != json_kind::array) return out;
  for (const std::string_view tool : mcp::elements_of(list)) {
    if (mcp::kind_of(tool) == json_kind::object) out.emplace(mcp::text_member(tool, "name"), tool);
  }
  return out;
}

}  // namespace

bool is_tool_list(std::string_view bytes) { return check_json(bytes, json_shape::array, json_depth_of_foreign_tools).ok; }

result<std::vector<tool_line>> parse_tool_lines(std::string_view bytes) {
  if (!is_tool_list(bytes)) return error(errc::junk_record, "the stored tools are not a JSON array");
  std::vector<tool_line> out;
  for (const std::string_view tool : mcp::elements_of(bytes)) {
    tool_line line{"?", {}};
    if (mcp::kind_of(tool) == json_kind::object) {
      if (auto name = mcp::text_member(tool, "name"); !name.empty()) line.name = std::move(name);
      line.description = short_description(tool);
    }
    out.push_back(std::move(line));
  }
  return out;
}

std::vector<tool_facts> inspect_tools(const tools_list& tools) {
  std::vector<tool_facts> out;
  for (const std::string_view tool : mcp::elements_of(tools.bytes())) out.push_back(inspect_tool(tool));
  return out;
}

tools_difference compare_tools(std::string_view before, const tools_list& after) {
  tools_difference out;
  const auto old_tools = tools_by_name(before);
  const auto new_tools = tools_by_name(after.bytes());
  for (const auto& [name, tool] : new_tools) {
    const auto same = old_tools.find(name);
    if (same == old_tools.end()) out.added.push_back(name);
    if (same != old_tools.end() && same->second != tool) out.changed.push_back(name);
  }
  for (const auto& [name, tool] : old_tools) {
    if (!new_tools.contains(name)) out.removed.push_back(name);
  }
  return out;
}

std::string dropped_tools_text(const std::vector<std::string>& dropped) {
  if (dropped.empty()) return {};
  std::string out = counted(dropped.size(), "tool") + " left out: ";
  for (std::size_t i = 0; i < dropped.size() && i < max_dropped_shown; ++i) out += (i == 0 ? "" : "; ") + dropped[i];
  return dropped.size() > max_dropped_shown ? out + "; …" : out;
}

}  // namespace mcpstate::cli
