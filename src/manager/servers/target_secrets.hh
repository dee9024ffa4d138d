// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/core/error.hpp>
#include <mcpstate/mcp/client.hpp>

// What is known to be a secret of a server, and what the server says without it: programs print what they were given. Pure.
namespace mcpstate {

using secret_list = std::shared_ptr<const std::vector<std::string>>;  // of a registered_server; null: none

// registered_server::secrets. expanded: what ${…} stood for; shown: what everybody may see of where the server is.
[[nodiscard]] std::vector<std::string> secrets_of(const mcp::target& where, std::vector<std::string> expanded,
                                                  const std::string& shown);

// As an owner may read it: without these, and without what looks like a secret.
[[nodiscard]] error without_secrets(const error& why, const secret_list& secrets);

}  // namespace mcpstate
