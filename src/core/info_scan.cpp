// SPDX-License-Identifier: MIT
#include "core/info_scan.hh"

#include <string>

#include "core/json/text.hh"

namespace mcpstate {
namespace {

constexpr std::size_t max_capabilities_depth = 30;

// Every take advances only when it matches.
class scanner {
 public:
  explicit scanner(std::string_view text) : rest_(text) {}

  bool take(std::string_view literal) noexcept {
    if (!rest_.starts_with(literal)) return false;
    rest_.remove_prefix(literal.size());
    return true;
  }
  bool take_number(std::uint64_t& out) noexcept {
    std::size_t n = 0;
    out = 0;
    while (n < rest_.size() && n < 19 && rest_[n] >= '0' && rest_[n] <= '9')
      out = out * 10 + static_cast<std::uint64_t>(rest_[n++] - '0');
    if (n == 0 || n == 19 || (n > 1 && rest_[0] == '0')) return false;
    rest_.remove_prefix(n);
    return true;
  }
  // Printable ASCII without escapes.
  bool take_text(std::string_view& out) noexcept {
    if (rest_.empty() || rest_.front() != '"') return false;
    std::size_t n = 1;
    while (n < rest_.size() && rest_[n] != '"') {
      const auto c = static_cast<unsigned char>(rest_[n]);
      if (c < 0x20 || c > 0x7e || c == '\\') return false;
      ++n;
    }
    if (n == rest_.size()) return false;
    out = rest_.substr(1, n - 1);
    rest_.remove_prefix(n + 1);
    return true;
  }
  // One object, without escapes in its strings.
  bool take_object(std::string_view& out) noexcept {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t n = 0; n < rest_.size(); ++n) {
      const char c = rest_[n];
      if (c == '\\') return false;
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if (c == '{') ++depth;
      if (c != '}') continue;
      if (depth > 0) --depth;
      if (depth > 0) continue;
      out = rest_.substr(0, n + 1);
      rest_.remove_prefix(n + 1);
      return check_json(out, json_shape::object, max_capabilities_depth).ok;
    }
    return false;
  }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<timestamp> from_millis(std::uint64_t count) {
  if (count == 0 || count > max_info_millis) return std::nullopt;
  return timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(count)));
}

// Each optional member: false only when it is there and not simple.
bool optional_text(scanner& in, std::string_view member, std::string& out) {
  if (!in.take(member)) return true;
  std::string_view text;
  if (!in.take_text(text)) return false;
  out = text;
  return true;
}

bool optional_time(scanner& in, std::string_view member, std::optional<timestamp>& out) {
  if (!in.take(member)) return true;
  std::string_view text;
  if (!in.take_text(text)) return false;
  if (const auto read = from_iso8601(text)) out = read->time;
  return true;
}

bool optional_number(scanner& in, std::string_view member, std::optional<std::uint64_t>& out) {
  if (!in.take(member)) return true;
  std::uint64_t number = 0;
  if (!in.take_number(number)) return false;
  out = number;
  return true;
}

bool optional_server(scanner& in, details& out) {
  if (!in.take(",\"server_info\":{")) return true;
  std::string_view text;
  const bool named = in.take("\"name\":");
  if (named) {
    if (!in.take_text(text)) return false;
    out.server_title = text;
  }
  if (in.take(named ? ",\"version\":" : "\"version\":")) {
    if (!in.take_text(text)) return false;
    out.server_version = text;
  }
  return in.take("}");
}

bool optional_capabilities(scanner& in, details& out) {
  if (!in.take(",\"capabilities\":")) return true;
  std::string_view object;
  if (!in.take_object(object)) return false;
  out.capabilities = object;
  return true;
}

bool take_details(scanner& in, details& out) {
  out.managed = in.take(",\"managed\":true");
  return optional_time(in, ",\"last_connected_at\":", out.last_connected_at) &&
         optional_time(in, ",\"checked_at\":", out.checked_at) && optional_text(in, ",\"registered\":", out.registered) &&
         optional_text(in, ",\"transport\":", out.transport) && optional_text(in, ",\"url\":", out.url) &&
         optional_text(in, ",\"protocol_version\":", out.protocol_version) && optional_server(in, out) &&
         optional_capabilities(in, out) && optional_number(in, ",\"tool_count\":", out.tool_count) &&
         optional_text(in, ",\"tools_hash\":", out.tools_hash) && optional_number(in, ",\"tools_bytes\":", out.tools_bytes);
}

}  // namespace

bool has_info_head(std::string_view bytes) noexcept {
  constexpr std::uint64_t exact_in_lua = std::uint64_t{1} << 53;
  scanner in(bytes);
  std::uint64_t revision = 0, other = 0;
  return in.take("{\"revision\":") && in.take_number(revision) && revision < exact_in_lua && in.take(",\"expires_at\":") &&
         in.take_number(other) && in.take(",\"expires_latest\":") && in.take_number(other) && in.take(",");
}

std::optional<info_record> scan_info(std::string_view bytes) {
  scanner in(bytes);
  info_record out;
  std::uint64_t expires = 0, latest = 0;
  std::string_view state;
  const bool head = in.take("{\"revision\":") && in.take_number(out.revision) && in.take(",\"expires_at\":") &&
                    in.take_number(expires) && in.take(",\"expires_latest\":") && in.take_number(latest) &&
                    in.take(",\"status\":") && in.take_text(state);
  if (!head) return std::nullopt;
  out.expires_at = from_millis(expires);
  out.expires_latest = from_millis(latest);
  out.state = status_from_text(state);
  if (in.take(",\"connected_at\":")) {
    std::string_view at;
    if (!in.take_text(at)) return std::nullopt;
    out.connected_at.emplace(at);
  }
  if (!take_details(in, out.info) || !in.take("}") || !in.at_end()) return std::nullopt;
  return out;
}

}  // namespace mcpstate
