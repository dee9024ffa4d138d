// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <mcpstate/core/error.hpp>

// Where an MCP server is, and what it takes to reach it.
namespace mcpstate::mcp {

// A server reached over Streamable HTTP or HTTP+SSE. Header values are secrets: they are sent to this origin only and never
// shown.
struct http_target {
  http_target() {}
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
};

// A server that we start and talk to over its standard streams. The child sees HOME, PATH, LANG, LC_ALL, TERM, TMPDIR, USER,
// SHELL, LOGNAME and the variables named here; nothing else of our environment.
struct stdio_target {
  stdio_target() {}
  std::vector<std::string> command;  // program and arguments; never passed to a shell
  std::vector<std::pair<std::string, std::string>> env;
  std::string cwd;  // empty: ours
};

using target = std::variant<http_target, stdio_target>;

// Checks a URL of an MCP server without connecting (http or https, a host, no user-info: bad_url otherwise); answers it as
// it may be shown and stored: without user-info, query and fragment.
[[nodiscard]] result<std::string> shown_url(std::string_view url);

// Under which name era_memory keeps what was found out about this target.
[[nodiscard]] std::string era_key(const target& where);

}  // namespace mcpstate::mcp
