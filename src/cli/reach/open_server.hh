// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/mcp/client.hpp>

#include "cli/reach/run.hh"

namespace mcpstate::cli {

// A server that answered, and its tools. Its client is to be closed.
struct opened_server {
  opened_server() {}
  mcp::server_facts facts;
  mcp::tool_listing listing;
  std::unique_ptr<mcp::client> client;
};
// Connects and lists the tools, with a status line that shows the name. Nothing is left behind on failure.
task<opened_server> open_server(context& ctx, mcp::target target, mcp::client_options options, std::string name);

// Whether the last good tools stay in the record: the server answered none, and --allow-empty was not given. stored: the
// record's; may be null.
[[nodiscard]] bool keeps_stored_tools(const mcp::tool_listing& listing, const std::shared_ptr<const std::string>& stored,
                                      bool allow_empty);
// Tells that they stay, and which tools were left out of the list.
void note_listing(terminal& screen, bool kept, const std::vector<std::string>& dropped);

}  // namespace mcpstate::cli
