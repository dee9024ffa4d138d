// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/mcp/client_options.hpp>
#include <mcpstate/mcp/target.hpp>

#include "cli/words/arguments.hh"

// Where an MCP server is, by the command line or by its record. Pure.
namespace mcpstate::cli {

// URL, or the command after --, with --header, --env and --cwd: exactly one of the two.
[[nodiscard]] result<mcp::target> parse_target(const arguments& args);

// What the command line adds to a record that says where its server is.
struct target_additions {
  target_additions() {}
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<mcp::stdio_target> program;  // never stored, so it is given again each time
  mcp::client_options options;
};
[[nodiscard]] result<target_additions> parse_target_additions(const arguments& args);
// bad_argument when the two do not fit: no command for a stdio server, or one for a server with a URL. no_record for a
// connection that its owner has ended.
[[nodiscard]] result<mcp::target> recorded_target(const connection& record, const target_additions& additions);

}  // namespace mcpstate::cli
