// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>

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

}  // namespace mcpstate::cli
