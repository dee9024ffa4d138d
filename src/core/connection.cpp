// SPDX-License-Identifier: MIT
#include <mcpstate/core/connection.hpp>

#include "core/json/text.hh"
#include "core/record_json.hh"

namespace mcpstate {

std::string_view to_text(status s) noexcept {
  switch (s) {
    case status::disconnected:
      return "DISCONNECTED";
    case status::connecting:
      return "CONNECTING";
    case status::connected:
      return "CONNECTED";
    case status::auth_required:
      return "AUTH_REQUIRED";
    case status::failed:
      return "FAILED";
  }
  return "DISCONNECTED";
}

std::optional<status> status_from_text(std::string_view text) noexcept {
  for (const status s :
       {status::disconnected, status::connecting, status::connected, status::auth_required, status::failed}) {
    if (to_text(s) == text) return s;
  }
  return std::nullopt;
}

std::string_view to_key_text(status s) noexcept {
  switch (s) {
    case status::connected:
      return "CONNECTED";
    case status::auth_required:
    case status::failed:
      return "FAILED";
    case status::connecting:
    case status::disconnected:
      break;
  }
  return "DISCONNECTED";
}

std::string to_json(const connection& c) {
  // What was read beside a record of ours is taken on trust, and may be junk of a foreign program: never splice that in.
  constexpr std::size_t any_depth = 64;
  const bool good_tools = c.tools && check_json(*c.tools, json_shape::array, any_depth).ok;
  std::string out;
  out.reserve(512 + (good_tools ? c.tools->size() : 0));
  append_connection_head(out, c);
  if (good_tools) json_members(out, false).raw("tools", *c.tools);
  return out += '}';
}

}  // namespace mcpstate
