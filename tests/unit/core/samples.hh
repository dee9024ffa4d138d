// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/core/record.hpp>

// The records that the tests of this folder begin with.
namespace mcpstate::test {

inline timestamp at(const char* text) { return from_iso8601(text).value().time; }

inline constexpr const char* connected_at_text = "2026-11-22T14:30:59.553780+00:00";

// Everything known.
inline details full_details() {
  details d;
  d.managed = true;
  d.registered = "github";
  d.transport = "http";
  d.url = "https://mcp.example/mcp";
  d.protocol_version = "2025-11-25";
  d.server_title = "GitHub \"MCP\"";
  d.server_version = "1.2.3";
  d.capabilities = R"({"tools":{"listChanged":true}})";
  d.last_connected_at = at("2026-11-20T10:00:00Z");
  d.checked_at = at("2026-11-22T14:31:00Z");
  d.tool_count = 13;
  d.tools_hash = "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945";
  failure why;
  why.code = "deadline";
  why.message = "no answer in 30 s\nfrom \xe2\x80\xa6";
  why.time = at("2026-11-22T14:32:00Z");
  why.attempt = 2;
  why.retry_at = at("2026-11-22T14:33:00Z");
  d.error = why;
  return d;
}

}  // namespace mcpstate::test
