// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "mcp/protocol/http_rules.hh"

// x-mcp-header (2026-07-28): a tool's schema names arguments that a client on HTTP sends as headers, too. Pure; linear in
// the text; never follows a $ref. All JSON is text that validate_json accepted.
namespace mcpstate::mcp {

// One argument that travels as a header.
struct tool_header {
  tool_header() {}
  std::string pointer;  // where it stands in the arguments: a JSON Pointer (RFC 6901)
  std::string name;     // Mcp-Param-Region
};
// Bounded, whatever the schema says: at most 64 headers, whose pointers and names take at most 8 KiB.
using tool_header_list = std::vector<tool_header>;

// The annotations in the inputSchema of a Tool object; empty when it has none. protocol when the tool must not be offered
// over HTTP: an annotation is malformed, or stands where the protocol does not want one; peer_text is the place then. Such a
// tool is left out, the others of the list stay.
[[nodiscard]] result<tool_header_list> read_tool_headers(std::string_view tool);

// The headers of one call. arguments is the raw value, empty when there are none. An argument that is absent or null has no
// header; a string, a boolean and an integer have one whatever type the schema wants, so that the server can say what is
// wrong. bad_argument for anything else, and for an integer beyond ±(2^53-1); too_large when all values together take more
// than 64 KiB, which no server reads.
[[nodiscard]] result<http::header_list> headers_of_call(const tool_header_list& wanted, std::string_view arguments);

}  // namespace mcpstate::mcp
