// SPDX-License-Identifier: MIT
#include "cli/view/tools_view.hh"

#include <boost/json.hpp>

#include <map>

#include "core/json/slice.hh"
#include "mcp/protocol/tool_headers.hh"

namespace mcpstate::cli {

namespace {

namespace json = boost::json;
using mcp::json_kind;

std::string text_member(const json::object& tool, const char* name) {
  const auto* value = tool.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string().c_str(), value->get_string().size());
}

std::string first_line(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find('\n', begin) - begin);
}

bool is_object_schema(std::string_view tool) {
  const auto schema = mcp::find_member(tool, "inputSchema");
  if (!schema || mcp::kind_of(*schema) != json_kind::object) return false;
  const auto type = mcp::find_member(*schema, "type");
  return !type || mcp::text_of(*type) == "object";
}

// Whether some "$ref" of the value begins with http.
bool has_network_ref(mcp::json_walk& at) {
  bool found = false;
  const json_kind kind = at.kind();
  if (kind == json_kind::array) {
    for (bool more = at.enter(); more; more = at.next()) found = has_network_ref(at) || found;
  } else if (kind == json_kind::object) {
    for (bool more = at.enter(); more; more = at.next()) {
      const bool ref = mcp::text_of(at.take_key()) == "$ref";
      if (ref && at.kind() == json_kind::string) {
        const std::string where = mcp::text_of(at.take()).value_or(std::string());
        found = found || where.starts_with("http://") || where.starts_with("https://");
      } else {
        found = has_network_ref(at) || found;
      }
    }
  } else {
    at.take();
  }
  return found;
}

bool refers_elsewhere(std::string_view tool) {
  if (tool.find("$ref") == std::string_view::npos) return false;
  mcp::json_walk at(tool);
  return has_network_ref(at);
}

tool_fact fact_of(std::string_view tool) {
  tool_fact out;
  out.raw = tool;
  out.name = mcp::text_member(tool, "name");
  const std::string description = mcp::text_member(tool, "description");
  out.about = first_line(description);
  if (out.about.empty()) out.about = mcp::text_member(tool, "title");
  out.description_bytes = description.size();
  out.has_schema = is_object_schema(tool);
  out.refers_elsewhere = refers_elsewhere(tool);
  const auto headers = mcp::read_tool_headers(tool);
  if (!headers) out.bad_header = headers.error().full_text();
  return out;
}

// Raw Tool objects by name, of a list that may be anything.
std::map<std::string, std::string_view> by_name(std::string_view list) {
  std::map<std::string, std::string_view> out;
  if (mcp::validate_json(list) || mcp::kind_of(list) != json_kind::array) return out;
  for (const std::string_view tool : mcp::elements_of(list)) {
    if (mcp::kind_of(tool) == json_kind::object) out.emplace(mcp::text_member(tool, "name"), tool);
  }
  return out;
}

}  // namespace

result<std::vector<tool_line>> tools_in(std::string_view bytes) {
  boost::system::error_code ec;
  json::monotonic_resource memory;
  json::parse_options limits;
  limits.max_depth = 512;
  const auto list = json::parse(json::string_view(bytes.data(), bytes.size()), ec, &memory, limits);
  if (ec || !list.is_array()) return error(errc::junk_record, "the stored tools are not a JSON array");
  std::vector<tool_line> out;
  for (const auto& item : list.get_array()) {
    tool_line line{"?", {}};
    if (const auto* tool = item.if_object()) {
      if (auto name = text_member(*tool, "name"); !name.empty()) line.name = std::move(name);
      line.about = first_line(text_member(*tool, "description"));
      if (line.about.empty()) line.about = text_member(*tool, "title");
    }
    out.push_back(std::move(line));
  }
  return out;
}

std::vector<tool_fact> facts_of(const tools_list& tools) {
  std::vector<tool_fact> out;
  for (const std::string_view tool : mcp::elements_of(tools.bytes())) out.push_back(fact_of(tool));
  return out;
}

tools_difference compare_tools(std::string_view before, const tools_list& after) {
  tools_difference out;
  const auto old = by_name(before);
  const auto now = by_name(after.bytes());
  for (const auto& [name, tool] : now) {
    const auto same = old.find(name);
    if (same == old.end()) out.added.push_back(name);
    if (same != old.end() && same->second != tool) out.changed.push_back(name);
  }
  for (const auto& [name, tool] : old) {
    if (!now.contains(name)) out.removed.push_back(name);
  }
  return out;
}

}  // namespace mcpstate::cli
