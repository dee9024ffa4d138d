// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <utility>

#include <mcpstate/core/owner.hpp>

#include "cli/words/arguments.hh"

namespace mcpstate::cli {

// "OWNER [SERVER]", as most commands take them.
struct selection {
  explicit selection(mcpstate::owner account) : owner(std::move(account)) {}
  mcpstate::owner owner;
  std::optional<server_name> server;
};
// bad_owner, bad_name.
[[nodiscard]] result<selection> parse_selection(const arguments& args);

}  // namespace mcpstate::cli
