// SPDX-License-Identifier: MIT
// The reading half of :info. Members of the wrong type count as absent: a record is never lost to one odd member.
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <mcpstate/core/record.hpp>

#include "core/info_scan.hh"

namespace mcpstate {
namespace {

namespace json = boost::json;

constexpr std::size_t max_info_bytes = 1024u * 1024;
constexpr std::size_t max_info_depth = 32;

std::optional<std::uint64_t> number(const json::object& from, json::string_view name) {
  const json::value* v = from.if_contains(name);
  if (v == nullptr) return std::nullopt;
  if (const std::int64_t* i = v->if_int64(); i != nullptr && *i >= 0) return static_cast<std::uint64_t>(*i);
  if (const std::uint64_t* u = v->if_uint64()) return *u;
  return std::nullopt;
}

std::optional<std::string> text(const json::object& from, json::string_view name) {
  const json::value* v = from.if_contains(name);
  const json::string* s = v == nullptr ? nullptr : v->if_string();
  if (s == nullptr) return std::nullopt;
  return std::string(s->data(), s->size());
}

std::optional<timestamp> time(const json::object& from, json::string_view name) {
  const std::optional<std::string> written = text(from, name);
  const std::optional<parsed_time> read = written ? from_iso8601(*written) : std::nullopt;
  return read ? std::optional(read->time) : std::nullopt;
}

// 0 is "none".
std::optional<timestamp> millis(const json::object& from, json::string_view name) {
  const std::uint64_t count = number(from, name).value_or(0);
  if (count == 0 || count > max_info_millis) return std::nullopt;
  return timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(count)));
}

const json::object* object(const json::object& from, json::string_view name) {
  const json::value* v = from.if_contains(name);
  return v == nullptr ? nullptr : v->if_object();
}

failure read_failure(const json::object& from) {
  failure out;
  out.code = text(from, "code").value_or("");
  out.message = text(from, "message").value_or("");
  out.at = time(from, "at").value_or(timestamp{});
  const std::uint64_t attempt = number(from, "attempt").value_or(0);
  out.attempt = attempt <= 0xffffffffu ? static_cast<std::uint32_t>(attempt) : 0;
  out.retry_at = time(from, "retry_at");
  return out;
}

details read_details(const json::object& from) {
  details out;
  const json::value* managed = from.if_contains("managed");
  out.managed = managed != nullptr && managed->is_bool() && managed->get_bool();
  out.registered = text(from, "registered").value_or("");
  out.transport = text(from, "transport").value_or("");
  out.url = text(from, "url").value_or("");
  out.protocol_version = text(from, "protocol_version").value_or("");
  if (const json::object* server = object(from, "server_info")) {
    out.server_title = text(*server, "name").value_or("");
    out.server_version = text(*server, "version").value_or("");
  }
  if (const json::object* capabilities = object(from, "capabilities")) out.capabilities = json::serialize(*capabilities);
  if (const json::object* why = object(from, "error")) out.error = read_failure(*why);
  out.last_connected_at = time(from, "last_connected_at");
  out.checked_at = time(from, "checked_at");
  out.tool_count = number(from, "tool_count");
  out.tools_hash = text(from, "tools_hash").value_or("");
  out.tools_bytes = number(from, "tools_bytes");
  return out;
}

}  // namespace

std::optional<info_record> decode_info(std::string_view bytes) {
  if (bytes.size() > max_info_bytes) return std::nullopt;
  if (auto simple = scan_info(bytes)) return simple;
  // A record is about half a kilobyte: parsed on the stack, thrown away at once.
  unsigned char buffer[4096];
  json::monotonic_resource memory(buffer);
  json::parse_options limits;
  limits.max_depth = max_info_depth;
  boost::system::error_code ec;
  const json::value parsed = json::parse(json::string_view(bytes.data(), bytes.size()), ec, &memory, limits);
  const json::object* members = ec ? nullptr : parsed.if_object();
  if (members == nullptr) return std::nullopt;
  const std::optional<std::uint64_t> revision = number(*members, "revision");
  if (!revision) return std::nullopt;
  info_record out;
  out.revision = *revision;
  out.expires_at = millis(*members, "expires_at");
  out.expires_latest = millis(*members, "expires_latest");
  if (const std::optional<std::string> state = text(*members, "status")) out.state = status_from_text(*state);
  out.connected_at = text(*members, "connected_at");
  out.info = read_details(*members);
  return out;
}

}  // namespace mcpstate
