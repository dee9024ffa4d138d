// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

// How many levels of arrays and objects a JSON text of ours or of a peer may nest. Each constant says what it bounds.
namespace mcpstate {

inline constexpr std::size_t max_tools_depth = 64;    // a list of tools, in and out
inline constexpr std::size_t max_message_depth = 64;  // a JSON-RPC message
inline constexpr std::size_t max_info_depth = 32;     // a stored :info
// Capabilities inside :info: the record takes one level, and one is left in reserve.
inline constexpr std::size_t max_capabilities_depth = max_info_depth - 2;

}  // namespace mcpstate
