// SPDX-License-Identifier: MIT
#include <mcpstate/core/connection.hpp>

#include <mcpstate/core/keys.hpp>

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

std::string_view to_text(const std::optional<status>& s) noexcept { return s ? to_text(*s) : "unknown"; }

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

bool is_foreign_member(const connection& c) { return !c.member.empty() && c.member != encode_name(c.server); }

}  // namespace mcpstate
