// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/mcp/client_options.hpp>
#include <mcpstate/mcp/target.hpp>

#include "cli/words/arguments.hh"

// How the client of an MCP server behaves, by the command line and by what a record tells. Pure.
namespace mcpstate::cli {

// Of a record: "http" or "sse".
[[nodiscard]] bool is_http(const std::string& transport);

// --protocol and --ca-file, and who we are.
[[nodiscard]] result<mcp::client_options> parse_client_options(const arguments& args);

// Lets the client begin with the protocol that the record says the server spoke, if that was found out less than a day ago;
// it looks again by itself when that is no longer so. Nothing if the record is about another server.
void apply_known_era(mcp::client_options& options, const mcp::target& target, const std::optional<connection>& record,
                     timestamp now);

}  // namespace mcpstate::cli
