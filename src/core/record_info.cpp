// SPDX-License-Identifier: MIT
#include <mcpstate/core/record_info.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <charconv>
#include <functional>
#include <limits>
#include <utility>

#include "core/details_json.hh"
#include "core/json/depth.hh"
#include "core/json/slice.hh"
#include "core/json/text.hh"
#include "core/text/trimmed.hh"

namespace mcpstate {
namespace {

namespace json = boost::json;
using json::error_code;

constexpr std::uint64_t max_millis = 253'402'300'799'999;  // 9999-12-31: more does not fit a timestamp's text

std::uint64_t to_millis(timestamp t) {
  const auto count = std::chrono::floor<std::chrono::milliseconds>(t).time_since_epoch().count();
  return count > 0 ? static_cast<std::uint64_t>(count) : 0;
}

// 0 is "none".
std::optional<timestamp> from_millis(std::uint64_t count) {
  if (count == 0 || count > max_millis) return std::nullopt;
  return timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(count)));
}

template <class T>
struct named_member {
  std::string_view name;
  T details::* member;
};
constexpr named_member<std::string> text_members[] = {{"registered", &details::registered},
                                                      {"transport", &details::transport},
                                                      {"url", &details::url},
                                                      {"protocol_version", &details::protocol_version},
                                                      {"tools_hash", &details::tools_hash},
                                                      {"claimed_from", &details::claimed_from}};
constexpr named_member<std::optional<timestamp>> time_members[] = {{"last_connected_at", &details::last_connected_at},
                                                                   {"checked_at", &details::checked_at},
                                                                   {"status_changed_at", &details::status_changed_at}};
constexpr named_member<std::optional<std::uint64_t>> number_members[] = {{"tool_count", &details::tool_count},
                                                                         {"tools_bytes", &details::tools_bytes}};

template <class T, std::size_t N>
T details::* find(const named_member<T> (&known)[N], std::string_view name) noexcept {
  for (const auto& each : known) {
    if (each.name == name) return each.member;
  }
  return nullptr;
}

std::optional<timestamp> to_time(std::string_view text) {
  const std::optional<parsed_time> read = from_iso8601(text);
  return read ? std::optional(read->time) : std::nullopt;
}

// Fills a record while Boost.JSON reads it: no document is built, because a list decodes one record per connection. Members
// of the wrong type count as absent: a record is never lost to one odd member.
class info_handler {
 public:
  explicit info_handler(std::string_view source) : source_(source) {}

  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code& ec) {
    if (depth_ == 0) {
      ec = json::error::syntax;  // no record
      return false;
    }
    return enter(section::other);
  }
  bool on_array_end(std::size_t, error_code&) { return leave(); }
  bool on_object_begin(error_code&) { return enter(section_named(name_)); }
  bool on_object_end(std::size_t, error_code&) { return leave(); }
  bool on_key_part(json::string_view text, std::size_t, error_code&) { return gather(text); }
  bool on_key(json::string_view text, std::size_t, error_code&) {
    name_ = whole(text, name_storage_);
    // A name with escapes is in a buffer of the parser that does not outlive this call.
    if (!is_source(name_)) name_ = name_storage_ = std::string(name_);
    return true;
  }
  bool on_string_part(json::string_view text, std::size_t, error_code&) { return gather(text); }
  bool on_string(json::string_view text, std::size_t, error_code&) {
    std::string storage;
    const std::string_view value = whole(text, storage);
    if (depth_ == 1) take_text(value);
    if (depth_ == 2 && section_ == section::server_info) take_server_text(value);
    if (depth_ == 2 && section_ == section::error) take_failure_text(value);
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, error_code& ec) {
    return value < 0 || on_uint64(static_cast<std::uint64_t>(value), {}, ec);
  }
  bool on_uint64(std::uint64_t value, json::string_view, error_code&) {
    if (depth_ == 1) take_number(value);
    const bool is_attempt = depth_ == 2 && section_ == section::error && name_ == "attempt";
    if (is_attempt && value <= 0xffffffffu) read.info.error->attempt = static_cast<std::uint32_t>(value);
    return true;
  }
  bool on_double(double, json::string_view, error_code&) { return true; }
  bool on_bool(bool value, error_code&) {
    if (depth_ == 1 && name_ == "managed") read.info.managed = value;
    return true;
  }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  info_record read;
  bool has_revision = false;
  // The object, as it is written.
  [[nodiscard]] std::string_view capabilities() const {
    return capabilities_name_.empty() ? std::string_view() : object_behind(capabilities_name_);
  }

 private:
  enum class section { server_info, capabilities, error, other };

  static section section_named(std::string_view name) noexcept {
    if (name == "server_info") return section::server_info;
    if (name == "capabilities") return section::capabilities;
    return name == "error" ? section::error : section::other;
  }
  // The section is that of the container at the second level; what lies deeper is passed over.
  bool enter(section inner) {
    if (depth_ == 1) {
      section_ = inner;
      if (inner == section::capabilities && is_source(name_)) capabilities_name_ = name_;
      if (inner == section::error) read.info.error.emplace();
    }
    ++depth_;
    return true;
  }
  bool leave() noexcept {
    --depth_;
    return true;
  }
  [[nodiscard]] bool is_source(std::string_view text) const noexcept {
    const std::less_equal<const char*> before;
    return before(source_.data(), text.data()) && before(text.data(), source_.data() + source_.size());
  }
  // Boost.JSON does not tell where a value stands, but a name tells where to look for it.
  [[nodiscard]] std::string_view object_behind(std::string_view name) const {
    const auto end_of_name = static_cast<std::size_t>(name.data() + name.size() - source_.data());
    return mcp::json_walk(source_.substr(source_.find('{', end_of_name))).take();
  }
  bool gather(json::string_view text) {
    gathered_.append(text.data(), text.size());
    return true;
  }
  // A text that holds escapes comes in parts.
  std::string_view whole(json::string_view last, std::string& storage) {
    if (gathered_.empty()) return {last.data(), last.size()};
    storage = std::exchange(gathered_, std::string()).append(last.data(), last.size());
    return storage;
  }

  void take_text(std::string_view value) {
    if (name_ == "status") read.state = status_from_text(value);
    if (name_ == "connected_at") read.connected_at.emplace(value);
    if (const auto member = find(text_members, name_)) read.info.*member = value;
    if (const auto member = find(time_members, name_)) read.info.*member = to_time(value);
  }
  void take_server_text(std::string_view value) {
    if (name_ == "name") read.info.server_title = value;
    if (name_ == "version") read.info.server_version = value;
  }
  void take_failure_text(std::string_view value) {
    failure& cause = *read.info.error;
    if (name_ == "code") cause.code = value;
    if (name_ == "message") cause.message = value;
    if (name_ == "at") cause.time = to_time(value).value_or(timestamp{});
    if (name_ == "retry_at") cause.retry_at = to_time(value);
  }
  void take_number(std::uint64_t value) {
    if (name_ == "revision") {
      read.revision = value;
      has_revision = true;
    }
    if (name_ == "expires_at") read.expires_at = from_millis(value);
    if (name_ == "expires_latest") read.expires_latest = from_millis(value);
    if (name_ == "restarts") read.info.restarts = value;
    if (const auto member = find(number_members, name_)) read.info.*member = value;
  }

  std::size_t depth_ = 0;
  section section_ = section::other;
  std::string_view source_;
  std::string_view name_;  // of the member whose value comes next
  std::string_view capabilities_name_;
  std::string name_storage_, gathered_;
};

// Advances over a literal, or over a number as scripts read it (no sign, no leading zero, at most 18 digits).
bool take_number(std::string_view& rest, std::uint64_t& number) noexcept {
  constexpr std::ptrdiff_t max_digits = 18;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const auto digits = read.ptr - rest.data();
  if (read.ec != std::errc() || digits > max_digits || (digits > 1 && rest.front() == '0')) return false;
  rest.remove_prefix(static_cast<std::size_t>(digits));
  return true;
}

}  // namespace

std::string encode_info_tail(status state, const std::optional<timestamp>& connected_at, const details& info) {
  std::string out;
  out.reserve(512);
  object_writer members(out);
  members.text("status", to_text(state));
  members.time("connected_at", connected_at);
  if (info.managed) members.boolean("managed", true);
  members.time("last_connected_at", info.last_connected_at);
  members.time("checked_at", info.checked_at);
  members.time("status_changed_at", info.status_changed_at);
  if (info.restarts != 0) members.number("restarts", info.restarts);
  write_peer_facts(members, info);
  write_tools_facts(members, info);
  members.number("tools_bytes", info.tools_bytes);
  if (!info.claimed_from.empty()) members.text("claimed_from", info.claimed_from);
  write_failure(members, info.error);
  members.close();
  return out.erase(0, 1);  // the store writes the brace, and the members before these
}

std::string encode_info(std::uint64_t revision, timestamp expires_at, std::optional<timestamp> expires_latest,
                        std::string_view tail) {
  std::string out;
  out.reserve(96 + tail.size());
  object_writer members(out);
  members.number("revision", revision);
  members.number("expires_at", to_millis(expires_at));
  members.number("expires_latest", expires_latest ? to_millis(*expires_latest) : 0);
  return out.append(",").append(tail);
}

std::optional<info_record> decode_info(std::string_view bytes) {
  if (bytes.size() > max_info_bytes) return std::nullopt;
  json::parse_options limits;
  limits.max_depth = json_depth_of_records;
  json::basic_parser<info_handler> parser(limits, bytes);
  error_code ec;
  const std::size_t length = parser.write_some(false, bytes.data(), bytes.size(), ec);
  info_handler& handler = parser.handler();
  if (ec || length != bytes.size() || !parser.done() || !handler.has_revision) return std::nullopt;
  handler.read.info.capabilities = handler.capabilities();
  return std::move(handler.read);
}

std::optional<std::uint64_t> revision_of_info(std::string_view bytes) noexcept {
  std::uint64_t revision = 0, expiry = 0;
  const bool found = take_prefix(bytes, "{\"revision\":") && take_number(bytes, revision) && revision <= max_revision &&
                     take_prefix(bytes, ",\"expires_at\":") && take_number(bytes, expiry) &&
                     take_prefix(bytes, ",\"expires_latest\":") && take_number(bytes, expiry) && take_prefix(bytes, ",");
  return found ? std::optional(revision) : std::nullopt;
}

}  // namespace mcpstate
