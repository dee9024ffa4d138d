// SPDX-License-Identifier: MIT
#include <mcpstate/core/owner.hpp>

#include "core/text/quoted.hh"
#include "core/text/utf8.hh"

namespace mcpstate {
namespace {

constexpr std::string_view user_prefix = "user:";
constexpr std::string_view session_prefix = "session:";

// What is wrong with a name, after "the user id "; empty when nothing is.
std::string_view fault_of_name(std::string_view text) noexcept {
  if (text.empty()) return "is empty";
  if (text.size() > max_name_bytes) return "is longer than 512 bytes";
  if (!is_valid_utf8(text)) return "is not valid UTF-8";
  return {};
}

error bad_name(std::string_view name, std::string_view fault) {
  return error(errc::bad_name, std::string(name).append(" ").append(fault));
}

}  // namespace

result<owner> owner::make(owner_kind kind, std::string_view id) {
  const std::string_view fault = fault_of_name(id);
  if (!fault.empty()) return bad_name(kind == owner_kind::user ? "the user id" : "the session key", fault);
  return owner(kind, std::string(id));
}

result<owner> owner::parse(std::string_view text) {
  if (text.starts_with(user_prefix)) return user(text.substr(user_prefix.size()));
  if (text.starts_with(session_prefix)) return session(text.substr(session_prefix.size()));
  return error(errc::bad_owner, mcpstate::quoted(text) + " is not an owner: write user:ID or session:KEY");
}

std::string owner::text() const {
  std::string out(kind_ == owner_kind::user ? user_prefix : session_prefix);
  return out += id_;
}

result<server_name> server_name::parse(std::string_view text) {
  const std::string_view fault = fault_of_name(text);
  if (!fault.empty()) return bad_name("the server name", fault);
  return server_name(std::string(text));
}

}  // namespace mcpstate
