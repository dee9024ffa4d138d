// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <mcpstate/core/error.hpp>

// Server-Sent Events, as the HTML standard reads them: bytes in, events out. Pure and incremental: it makes no difference
// where the bytes are cut. A line that is whole in the bytes given is read in place; only the data of events is copied,
// once. It holds one event, as far as that has come, and an id of at most 4 KB.
namespace mcpstate::http {

struct sse_event {
  sse_event() {}
  std::string name;  // empty when the stream named none
  std::string data;  // its data lines joined by \n
  // Whether it carries a JSON-RPC message. One with empty data only primes resumption.
  [[nodiscard]] bool is_message() const { return (name.empty() || name == "message") && !data.empty(); }
};

class sse_parser {
 public:
  // Takes an event. Its failure ends feed().
  using taker = std::function<result<void>(sse_event)>;

  // max_event_bytes bounds one event with its name, and one line. last_event_id: of the stream that this one goes on from.
  explicit sse_parser(std::size_t max_event_bytes, std::string last_event_id = {})
      : max_(max_event_bytes), last_id_(last_event_id), whole_id_(std::move(last_event_id)) {}

  // Hands over each event that these bytes complete, one at a time: a small event takes more room than its bytes. Failure:
  // too_large once an event grows over the limit, and from then on; and that of the taker.
  [[nodiscard]] result<void> feed(std::string_view bytes, const taker& take);
  // The event that the end of the stream cut off: the standard drops it, but servers forget the last blank line. The caller
  // takes it only if it is a whole message.
  [[nodiscard]] std::optional<sse_event> finish();

  // How much of an event that is not whole yet it holds.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return line_.size() + name_.size() + data_.size(); }
  // The one in force at the last event that has arrived whole. Empty after an id of more than 4 KB.
  [[nodiscard]] const std::string& last_event_id() const noexcept { return whole_id_; }
  // How long the server wants clients to wait before they come back; at most 24 hours.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }

 private:
  void strip_mark(std::string_view& bytes);
  std::optional<sse_event> end_line(std::string_view line);
  void field(std::string_view name, std::string_view value);
  std::optional<sse_event> dispatch();

  std::size_t max_;
  std::size_t mark_seen_ = 0;  // bytes of a leading byte order mark matched so far; 3: past it
  bool after_cr_ = false;      // a line ended with CR: an LF that follows belongs to it
  bool over_ = false;
  bool has_data_ = false;
  bool id_changed_ = false;  // since the last event
  std::string line_;         // its beginning, when it began in bytes given before
  std::string name_, data_, last_id_, whole_id_;
  std::optional<std::chrono::milliseconds> retry_;
};

}  // namespace mcpstate::http
