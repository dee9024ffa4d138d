// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include <mcpstate/core/connection.hpp>

#include "core/json/text.hh"

// The members that the stored record and the shown connection spell the same way. Unknown facts leave their member out.
namespace mcpstate {

// registered, transport, url, protocol_version, server_info, capabilities. A text over 4 KiB is left out. So are
// capabilities over 64 KiB, and those that are no JSON object: whatever is written here can be read again.
void write_peer_facts(object_writer& out, const details& info);
// tool_count, tools_hash.
void write_tools_facts(object_writer& out, const details& info);
// error; its code and message are cut to 4 KiB.
void write_failure(object_writer& out, const std::optional<failure>& cause);

}  // namespace mcpstate
