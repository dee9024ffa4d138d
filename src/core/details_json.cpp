// SPDX-License-Identifier: MIT
#include "core/details_json.hh"

#include "core/json/depth.hh"
#include "core/text/utf8.hh"

namespace mcpstate {
namespace {

constexpr std::size_t max_text_bytes = 4096;
constexpr std::size_t max_capabilities_bytes = 64u * 1024;

bool is_written(std::string_view text) noexcept { return !text.empty() && text.size() <= max_text_bytes; }

void write_text(object_writer& out, std::string_view name, std::string_view value) {
  if (is_written(value)) out.text(name, value);
}

bool are_written(std::string_view capabilities) {
  return !capabilities.empty() && capabilities.size() <= max_capabilities_bytes &&
         check_json(capabilities, json_shape::object, json_depth_of_capabilities).ok;
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

void write_peer_facts(object_writer& out, const details& info) {
  write_text(out, "registered", info.registered);
  write_text(out, "transport", info.transport);
  write_text(out, "url", info.url);
  write_text(out, "protocol_version", info.protocol_version);
  if (is_written(info.server_title) || is_written(info.server_version)) {
    object_writer server = out.object("server_info");
    write_text(server, "name", info.server_title);
    write_text(server, "version", info.server_version);
    server.close();
  }
  if (are_written(info.capabilities)) out.raw("capabilities", info.capabilities);
}

void write_tools_facts(object_writer& out, const details& info) {
  out.number("tool_count", info.tool_count);
  write_text(out, "tools_hash", info.tools_hash);
}

void write_failure(object_writer& out, const std::optional<failure>& cause) {
  if (!cause) return;
  object_writer error = out.object("error");
  error.text("code", cut(cause->code, max_text_bytes));
  error.text("message", cut(cause->message, max_text_bytes));
  if (cause->time != timestamp{}) error.time("at", cause->time);
  if (cause->attempt != 0) error.number("attempt", cause->attempt);
  error.time("retry_at", cause->retry_at);
  error.close();
}

}  // namespace mcpstate
