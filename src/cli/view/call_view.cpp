// SPDX-License-Identifier: MIT
#include "cli/view/call_view.hh"

#include <algorithm>

#include "cli/view/text.hh"
#include "core/json/slice.hh"

namespace mcpstate::cli {

namespace {

using mcp::json_kind;

// Lines stay lines; each of them is made harmless.
std::string shown_lines(std::string_view text) {
  std::string out;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    auto line = text.substr(from, end - from);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out += shown(line) + (end < text.size() ? "\n" : "");
    from = end + 1;
  }
  return out;
}

// Of base64 text, without looking at what it holds.
std::size_t decoded_size(std::string_view base64) {
  const auto padding = static_cast<std::size_t>(std::count(base64.begin(), base64.end(), '='));
  return base64.size() / 4 * 3 - std::min(padding, base64.size() / 4 * 3);
}

std::string blob_text(const std::string& type, std::string_view block, const char* data) {
  const std::string mime = mcp::text_member(block, "mimeType");
  const auto bytes = mcp::find_member(block, data);
  const std::string size = bytes ? bytes_text(decoded_size(mcp::text_of(*bytes).value_or(std::string()))) : "no data";
  return "[" + type + (mime.empty() ? "" : " " + shown(mime)) + ", " + size + "]";
}

std::string resource_text(std::string_view block, bool harmless) {
  const auto resource = mcp::find_member(block, "resource");
  if (!resource || mcp::kind_of(*resource) != json_kind::object) return "[resource]";
  const std::string uri = shown(mcp::text_member(*resource, "uri"));
  if (mcp::find_member(*resource, "blob")) return blob_text("resource " + uri, *resource, "blob");
  const std::string text = mcp::text_member(*resource, "text");
  return "[resource " + uri + "]\n" + (harmless ? shown_lines(text) : text);
}

std::string link_text(std::string_view block) {
  const std::string name =
      mcp::text_member(block, "title").empty() ? mcp::text_member(block, "name") : mcp::text_member(block, "title");
  return "[link " + shown(name) + ": " + shown(mcp::text_member(block, "uri")) + "]";
}

std::string block_text(std::string_view block, bool harmless) {
  if (mcp::kind_of(block) != json_kind::object) return "[?]";
  const std::string type = mcp::text_member(block, "type");
  if (type == "text") {
    const std::string text = mcp::text_member(block, "text");
    return harmless ? shown_lines(text) : text;
  }
  if (type == "image" || type == "audio") return blob_text(type, block, "data");
  if (type == "resource") return resource_text(block, harmless);
  if (type == "resource_link") return link_text(block);
  return "[" + shown(type) + ", " + bytes_text(block.size()) + "]";
}

}  // namespace

std::string text_of_result(std::string_view result, bool harmless) {
  std::string out;
  const auto content = mcp::find_member(result, "content");
  if (content && mcp::kind_of(*content) == json_kind::array) {
    for (const auto block : mcp::elements_of(*content)) {
      out += block_text(block, harmless);
      if (!out.empty() && out.back() != '\n') out += '\n';
    }
  }
  const auto structured = mcp::find_member(result, "structuredContent");
  if (out.empty() && structured) out = (harmless ? shown_lines(*structured) : std::string(*structured)) + "\n";
  return out;
}

}  // namespace mcpstate::cli
