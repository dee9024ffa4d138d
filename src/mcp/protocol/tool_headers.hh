// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "mcp/protocol/http_rules.hh"

// x-mcp-header (2026-07-28): the schema of a tool names arguments that a client sends as headers, too, over HTTP. Pure;
// linear in the text; follows no $ref. All JSON is text that validate_json has accepted.
namespace mcpstate::mcp {

// One argument that travels as a header.
struct tool_header {
  tool_header() {}
  std::string pointer;  // its place in the arguments, a JSON Pointer (RFC 6901)
  std::string name;     // Mcp-Param-Region
};
// Bounded, whatever the schema says: at most 64 headers, whose pointers and names take at most 8 KiB.
using tool_header_list = std::vector<tool_header>;

// The annotations in the inputSchema of a Tool object; empty if there are none. errc::protocol if the tool must not be
// offered over HTTP, because an annotation is malformed or stands where the protocol allows none; peer_text is its pointer
// then. Such a tool is left out of the list; the others stay.
[[nodiscard]] result<tool_header_list> read_tool_headers(std::string_view tool);

// The headers of one call. arguments is the raw value, or empty. An argument that is absent or null has no header. A string,
// a boolean and an integer have one whatever type the schema wants, so that the server can say what is wrong. bad_argument
// for anything else, and for an integer beyond ±(2^53-1); too_large if all values together take more than 64 KiB, which no
// server reads.
[[nodiscard]] result<http::header_list> headers_of_call(const tool_header_list& wanted, std::string_view arguments);

}  // namespace mcpstate::mcp
