// SPDX-License-Identifier: MIT
#include "cli/view/call_view.hh"

#include <algorithm>

#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

// Lines stay lines; each of them is made harmless.
std::string printable_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out += printable(line) + (end < text.size() ? "\n" : "");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string output_text(std::string text, bool harmless) { return harmless ? printable_lines(text) : text; }

// Of base64 text, without looking at what it holds.
std::size_t decoded_size(std::string_view base64) {
  const auto padding = static_cast<std::size_t>(std::count(base64.begin(), base64.end(), '='));
  return base64.size() / 4 * 3 - std::min(padding, base64.size() / 4 * 3);
}

std::string blob_text(const std::string& type, std::string_view block, const char* data) {
  const std::string mime = mcp::text_member(block, "mimeType");
  const auto bytes = mcp::find_member(block, data);
  const std::string size = bytes ? bytes_text(decoded_size(mcp::text_of(*bytes).value_or(std::string()))) : "no data";
  return "[" + type + (mime.empty() ? "" : " " + printable(mime)) + ", " + size + "]";
}

std::string resource_text(std::string_view block, bool harmless) {
  const auto resource = object_member(block, "resource");
  if (!resource) return "[resource]";
  const std::string uri = printable(mcp::text_member(*resource, "uri"));
  if (mcp::find_member(*resource, "blob")) return blob_text("resource " + uri, *resource, "blob");
  return "[resource " + uri + "]\n" + output_text(mcp::text_member(*resource, "text"), harmless);
}

std::string link_text(std::string_view block) {
  const std::string title = mcp::text_member(block, "title");
  const std::string name = title.empty() ? mcp::text_member(block, "name") : title;
  return "[link " + printable(name) + ": " + printable(mcp::text_member(block, "uri")) + "]";
}

std::string block_text(std::string_view block, bool harmless) {
  if (mcp::kind_of(block) != mcp::json_kind::object) return "[?]";
  const std::string type = mcp::text_member(block, "type");
  if (type == "text") return output_text(mcp::text_member(block, "text"), harmless);
  if (type == "image" || type == "audio") return blob_text(type, block, "data");
  if (type == "resource") return resource_text(block, harmless);
  if (type == "resource_link") return link_text(block);
  return "[" + printable(type) + ", " + bytes_text(block.size()) + "]";
}

}  // namespace

std::string call_result_text(std::string_view result, bool harmless) {
  std::string out;
  for (const auto block : array_member(result, "content")) {
    out += block_text(block, harmless);
    if (!out.empty() && out.back() != '\n') out += '\n';
  }
  const auto structured = mcp::find_member(result, "structuredContent");
  if (out.empty() && structured) out = output_text(std::string(*structured), harmless) + "\n";
  return out;
}

}  // namespace mcpstate::cli
