// SPDX-License-Identifier: MIT
#include "core/record_json.hh"

#include "core/text/utf8.hh"

namespace mcpstate {
namespace {

constexpr std::size_t max_text_bytes = 4096;
constexpr std::size_t max_capabilities_bytes = 64u * 1024;
// Less than what decode_info reads (32), of which the record itself takes one.
constexpr std::size_t max_capabilities_depth = 30;

void append_text(json_members& out, std::string_view name, std::string_view value) {
  if (!value.empty() && value.size() <= max_text_bytes) out.text(name, value);
}

// The longest front of at most max bytes that splits no character.
std::string_view cut(std::string_view text, std::size_t max) noexcept {
  if (text.size() <= max) return text;
  std::size_t end = 0;
  for (std::size_t step = 0; end + step <= max;) {
    end += step;
    step = utf8_length(text.substr(end));
    if (step == 0) step = 1;
  }
  return text.substr(0, end);
}

}  // namespace

void append_time(json_members& out, std::string_view name, const std::optional<timestamp>& t) {
  if (t) out.text(name, to_iso8601(*t));
}

void append_peer_facts(json_members& out, const details& info) {
  append_text(out, "registered", info.registered);
  append_text(out, "transport", info.transport);
  append_text(out, "url", info.url);
  append_text(out, "protocol_version", info.protocol_version);
  std::string server = "{";
  json_members about(server);
  append_text(about, "name", info.server_title);
  append_text(about, "version", info.server_version);
  if (server.size() > 1) out.raw("server_info", server += '}');
  const std::string& capabilities = info.capabilities;
  if (!capabilities.empty() && capabilities.size() <= max_capabilities_bytes &&
      check_json(capabilities, json_shape::object, max_capabilities_depth).ok) {
    out.raw("capabilities", capabilities);
  }
}

void append_tools_facts(json_members& out, const details& info) {
  if (info.tool_count) out.number("tool_count", *info.tool_count);
  append_text(out, "tools_hash", info.tools_hash);
}

void append_failure(json_members& out, const std::optional<failure>& why) {
  if (!why) return;
  std::string text = "{";
  json_members members(text);
  members.text("code", cut(why->code, max_text_bytes));
  members.text("message", cut(why->message, max_text_bytes));
  if (why->at != timestamp{}) append_time(members, "at", why->at);
  if (why->attempt != 0) members.number("attempt", why->attempt);
  append_time(members, "retry_at", why->retry_at);
  out.raw("error", text += '}');
}

void append_connection_head(std::string& out, const connection& c) {
  out += '{';
  json_members members(out);
  members.text("owner", c.whose.text());
  members.text("server", c.server);
  members.text("status", to_text(c.state));
  members.number("revision", c.revision);
  if (c.connected_at) members.text("connected_at", to_iso8601(*c.connected_at));
  if (!c.connected()) append_time(members, "last_connected_at", c.info.last_connected_at);
  append_time(members, "expires_at", c.expires_at);
  append_time(members, "checked_at", c.info.checked_at);
  if (c.info.managed) members.raw("managed", "true");
  append_peer_facts(members, c.info);
  append_tools_facts(members, c.info);
  append_failure(members, c.info.error);
  if (!c.problems.empty()) members.raw("problems", json_array(c.problems));
}

}  // namespace mcpstate
