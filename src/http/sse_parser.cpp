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

constexpr std::size_t max_id_bytes = 4096;  // it goes out again, in a header

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

result<void> sse_parser::feed(std::string_view bytes, const taker& take) {
  strip_mark(bytes);
  line_ends ends(bytes);
  for (std::size_t at = 0; !over_ && at < bytes.size();) {
    if (after_cr_ && bytes[at] == '\n') ++at;
    after_cr_ = false;
    const std::size_t end = ends.next(at);
    const std::string_view part = bytes.substr(at, end - at);
    over_ = line_.size() + name_.size() + data_.size() + part.size() > max_;
    if (over_) break;
    if (end == bytes.size()) {
      line_ += part;
      break;
    }
    after_cr_ = bytes[end] == '\r';
    at = end + 1;
    if (!line_.empty()) line_ += part;
    auto event = line_.empty() ? end_line(part) : end_line(std::exchange(line_, std::string()));
    if (!event) continue;
    const auto taken = take(std::move(*event));
    if (!taken) return taken;
  }
  if (over_) return error(errc::too_large, "one event of the server is larger than " + std::to_string(max_) + " bytes");
  return result<void>();
}

std::optional<sse_event> sse_parser::end_line(std::string_view line) {
  if (line.empty()) return dispatch();
  const std::size_t colon = line.find(':');
  if (colon == 0) return std::nullopt;  // a comment
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  field(line.substr(0, colon), value);
  return std::nullopt;
}

void sse_parser::field(std::string_view name, std::string_view value) {
  if (name == "event") {
    name_ = value;
  } else if (name == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "id") {
    if (value.find('\0') != std::string_view::npos) return;
    // A stream can be resumed neither from an id that is not remembered nor from the one before it.
    last_id_ = value.size() > max_id_bytes ? std::string_view() : value;
    id_changed_ = true;
  } else if (name == "retry") {
    if (const auto wait = digits_only(value)) retry_ = wait;
  }
}

std::optional<sse_event> sse_parser::dispatch() {
  if (std::exchange(id_changed_, false)) whole_id_ = last_id_;
  sse_event event;
  // The room that they took goes, too.
  event.name = std::exchange(name_, std::string());
  event.data = std::exchange(data_, std::string());
  if (!std::exchange(has_data_, false)) return std::nullopt;
  return event;
}

std::optional<sse_event> sse_parser::finish() {
  if (over_) return std::nullopt;
  if (!line_.empty()) static_cast<void>(end_line(std::exchange(line_, std::string())));
  return dispatch();
}

}  // namespace mcpstate::http
