// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/core/error.hpp>
#include <mcpstate/mcp/client.hpp>

// The secrets of a server that are known, and how they are hidden in what the server says: programs print what they were
// given. Pure.
namespace mcpstate {

using secret_list = std::shared_ptr<const std::vector<std::string>>;  // of a registered_server; null: none

// registered_server::secrets. expanded: the values of ${…}; shown: the part of the target that everybody may see.
[[nodiscard]] std::vector<std::string> secrets_of(const mcp::target& target, std::vector<std::string> expanded,
                                                  const std::string& shown);

// The error as an owner may read it: without these values, without anything that looks like a secret, and no longer than
// anybody reads.
[[nodiscard]] error without_secrets(const error& cause, const secret_list& secrets);

// What a record says of the server: name and version without these values, and no capabilities that hold one.
[[nodiscard]] mcp::server_facts without_secrets(mcp::server_facts facts, const secret_list& secrets);

}  // namespace mcpstate
