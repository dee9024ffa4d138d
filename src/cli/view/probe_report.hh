// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/mcp/client.hpp>

namespace mcpstate::cli {

// What `mcpstate probe` finds out about a server.
struct probe_report {
  probe_report() {}
  std::string address;  // the URL as it may be shown, or the program
  bool over_http = false;
  bool has_headers = false;  // some were sent
  mcp::era_choice protocol = mcp::era_choice::automatic;
  std::vector<mcp::connect_step> steps;  // of connecting, then tools/list and close
  bool connected = false;
  mcp::server_facts facts;  // once connected
  mcp::tool_listing listing;
  std::optional<error> fault;  // why a client cannot work with it
  std::size_t oddities = 0;    // lines on standard output that are no message
  std::string first_oddity;
  [[nodiscard]] bool works() const noexcept { return connected && !fault; }
};

}  // namespace mcpstate::cli
