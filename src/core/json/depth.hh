// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

// How many levels of arrays and objects JSON from outside may have before it is refused. Parsers recurse or keep a stack, so
// every reader has a limit; here is each of them.
namespace mcpstate {

// Tool lists as we accept, write and count them, and any other JSON of a peer (JSON-RPC messages, input schemas).
inline constexpr std::size_t json_depth_of_messages = 64;
inline constexpr std::size_t json_depth_of_tools = 64;
// And how many values: reading them holds up everything else on the executor, and a megabyte may hold half a million.
inline constexpr std::size_t json_values_of_messages = 1'000'000;
// Tool lists that another program has stored, where they are only handed on or shown.
inline constexpr std::size_t json_depth_of_foreign_tools = 512;
// The details of a record (its :info key), and the capabilities within them.
inline constexpr std::size_t json_depth_of_records = 32;
inline constexpr std::size_t json_depth_of_capabilities = json_depth_of_records - 2;
// The file of the host's servers.
inline constexpr std::size_t json_depth_of_servers_file = 16;

}  // namespace mcpstate
