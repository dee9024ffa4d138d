// SPDX-License-Identifier: MIT
#include "manager/servers/server_details.hh"

namespace mcpstate {

void set_server_details(details& info, const mcp::server_facts& facts) {
  info.transport = facts.transport;
  info.protocol_version = facts.protocol_version;
  info.server_title = facts.title;
  info.server_version = facts.version;
  info.capabilities = facts.capabilities;
}

void clear_server_details(details& info) { set_server_details(info, mcp::server_facts()); }

}  // namespace mcpstate
