// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <mcpstate/lease.hpp>

namespace mcpstate {

// "user:42:github", with id and server encoded as in key names. Different connections have different texts, so a text can be
// a member of an index, and a cursor.
[[nodiscard]] std::string to_text(const managed_name& name);
[[nodiscard]] std::optional<managed_name> managed_from_text(std::string_view text);

// A claim under way as an index of managed connections names it, so that whoever reads the index can end it: "claim:42:9fK". No
// connection has such a text.
[[nodiscard]] std::string claim_text(const owner& session, const owner& user);
struct claim_name {
  claim_name(owner from, owner to) : session(std::move(from)), user(std::move(to)) {}
  owner session, user;
};
[[nodiscard]] std::optional<claim_name> claim_from_text(std::string_view text);

}  // namespace mcpstate
