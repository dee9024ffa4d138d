// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/core/connection.hpp>
#include <mcpstate/mcp/client.hpp>

// What a record says about its server. Supervisors and the command line use these when they write a record. Pure.
namespace mcpstate {

// Puts what the handshake told into the record's details.
void set_server_details(details& info, const mcp::server_facts& facts);
// Removes all that: the record is about another server now.
void clear_server_details(details& info);

}  // namespace mcpstate
