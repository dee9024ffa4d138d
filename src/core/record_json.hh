// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/connection.hpp>

#include "core/json/text.hh"

// The parts that the stored record and the shown connection spell the same way. Nothing is appended for what is unknown.
namespace mcpstate {

void append_time(json_members& out, std::string_view name, const std::optional<timestamp>& t);
// transport, url, protocol_version, server_info, capabilities. What is over its limit (4 KiB, capabilities 64 KiB) is left
// out, and capabilities that are no JSON object are too: a record of ours can always be read again.
void append_peer_facts(json_members& out, const details& info);
// tool_count, tools_hash.
void append_tools_facts(json_members& out, const details& info);
// error; its message is cut to 4 KiB.
void append_failure(json_members& out, const std::optional<failure>& why);

// The object of to_json up to its tools: without these, and without its closing brace. At least one member is in it.
void append_connection_head(std::string& out, const connection& c);

}  // namespace mcpstate
