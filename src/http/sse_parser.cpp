// SPDX-License-Identifier: MIT
#include "http/sse_parser.hh"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "core/text/ascii.hh"

namespace mcpstate::http {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

constexpr std::chrono::milliseconds longest_retry = std::chrono::hours(24);

std::optional<std::chrono::milliseconds> digits_only(std::string_view value) {
  long out = 0;
  const char* const end = value.data() + value.size();
  if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) return {};
  const auto parsed = std::from_chars(value.data(), end, out);
  if (parsed.ec != std::errc()) return {};
  return std::min(std::chrono::milliseconds(out), longest_retry);
}

// Finds the ends of lines one after the other. Where the next CR and the next LF are is remembered: each is looked for once
// in every byte, at the speed of memchr, also in a stream that has only one of them.
class line_ends {
 public:
  explicit line_ends(std::string_view bytes) : bytes_(bytes), lf_(find('\n', 0)), cr_(find('\r', 0)) {}
  // The first at or after this place; the size of the bytes when there is none. Places only grow.
  std::size_t next(std::size_t from) {
    if (lf_ < from) lf_ = find('\n', from);
    if (cr_ < from) cr_ = find('\r', from);
    return std::min(lf_, cr_);
  }

 private:
  [[nodiscard]] std::size_t find(char c, std::size_t from) const {
    const std::size_t left = bytes_.size() - from;
    const void* const found = left == 0 ? nullptr : std::memchr(bytes_.data() + from, c, left);
    if (found == nullptr) return bytes_.size();
    return static_cast<std::size_t>(static_cast<const char*>(found) - bytes_.data());
  }

  std::string_view bytes_;
  std::size_t lf_, cr_;
};

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
  line_ends ends(bytes);
  for (std::size_t at = 0; !over_ && at < bytes.size();) {
    if (after_cr_ && bytes[at] == '\n') ++at;
    after_cr_ = false;
    const std::size_t end = ends.next(at);
    const std::string_view part = bytes.substr(at, end - at);
    over_ = line_.size() + data_.size() + part.size() > max_;
    if (over_) break;
    if (end == bytes.size()) {
      line_ += part;
      break;
    }
    after_cr_ = bytes[end] == '\r';
    at = end + 1;
    if (line_.empty()) {
      end_line(part, out);
    } else {
      line_ += part;
      end_line(std::exchange(line_, std::string()), out);
    }
  }
  if (over_) return error(errc::too_large, "one event of the server is larger than " + std::to_string(max_) + " bytes");
  return out;
}

void sse_parser::end_line(std::string_view line, std::vector<sse_event>& out) {
  if (line.empty()) return dispatch(out);
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  if (colon == std::string_view::npos) return field(line, "");
  std::string_view value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  field(line.substr(0, colon), value);
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
  whole_id_ = last_id_;
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
  if (!over_ && !line_.empty()) end_line(std::exchange(line_, std::string()), out);
  if (!over_) dispatch(out);
  if (out.empty()) return std::nullopt;
  return std::move(out.front());
}

}  // namespace mcpstate::http
