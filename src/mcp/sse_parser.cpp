// SPDX-License-Identifier: MIT
#include "mcp/sse_parser.hh"

#include <algorithm>
#include <charconv>

namespace mcpstate::mcp {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::optional<std::chrono::milliseconds> digits_only(std::string_view value) {
  long out = 0;
  const char* const end = value.data() + value.size();
  if (value.empty() || !std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })) return {};
  const auto parsed = std::from_chars(value.data(), end, out);
  if (parsed.ec != std::errc()) return {};
  return std::chrono::milliseconds(out);
}

}  // namespace

// A mark that turns out not to be one was the beginning of the first line.
void sse_parser::strip_mark(std::string_view& bytes) {
  while (mark_seen_ < byte_order_mark.size() && !bytes.empty()) {
    if (bytes.front() != byte_order_mark[mark_seen_]) {
      line_.append(byte_order_mark.substr(0, mark_seen_));
      mark_seen_ = byte_order_mark.size();
      return;
    }
    bytes.remove_prefix(1);
    ++mark_seen_;
  }
}

result<std::vector<sse_event>> sse_parser::feed(std::string_view bytes) {
  std::vector<sse_event> out;
  strip_mark(bytes);
  while (!over_ && !bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    over_ = line_.size() + data_.size() + part.size() > max_;
    if (over_) break;
    line_ += part;
    if (end == std::string_view::npos) break;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    end_line(out);
  }
  if (over_) return error(errc::too_large, "one event of the server is larger than " + std::to_string(max_) + " bytes");
  return out;
}

void sse_parser::end_line(std::vector<sse_event>& out) {
  if (line_.empty()) return dispatch(out);
  const std::string line = std::move(line_);
  line_.clear();
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  if (colon == std::string::npos) return field(line, "");
  std::string_view value = std::string_view(line).substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  field(std::string_view(line).substr(0, colon), value);
}

void sse_parser::field(std::string_view name, std::string_view value) {
  if (name == "event") {
    name_ = value;
  } else if (name == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    if (const auto wait = digits_only(value)) retry_ = wait;
  }
}

void sse_parser::dispatch(std::vector<sse_event>& out) {
  if (has_data_) {
    sse_event event;
    event.name = std::move(name_);
    event.data = std::move(data_);
    event.id = last_id_;
    out.push_back(std::move(event));
  }
  name_.clear();
  data_.clear();
  has_data_ = false;
}

std::optional<sse_event> sse_parser::finish() {
  std::vector<sse_event> out;
  if (!over_ && !line_.empty()) end_line(out);
  if (!over_) dispatch(out);
  if (out.empty()) return std::nullopt;
  return std::move(out.front());
}

}  // namespace mcpstate::mcp
