// SPDX-License-Identifier: MIT
#include "cli/tools_view.hh"

#include <boost/json.hpp>

namespace mcpstate::cli {

namespace {

namespace json = boost::json;

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

}  // namespace mcpstate::cli
