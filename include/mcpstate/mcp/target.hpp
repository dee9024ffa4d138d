// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <mcpstate/core/error.hpp>

// Where an MCP server is, and what it takes to reach it. Values.
namespace mcpstate::mcp {

// A server that is reached over Streamable HTTP or HTTP+SSE. The values of headers are secrets: they are sent to this origin
// only, and never shown.
struct http_target {
  http_target() {}
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
};

// A program that is started here and reached over its standard streams. It sees the variables HOME, PATH, LANG, LC_ALL,
// TERM, TMPDIR, USER, SHELL and LOGNAME of this process and those of env, which go first; nothing else of the environment.
struct stdio_target {
  stdio_target() {}
  std::vector<std::string> command;  // the program and its arguments; not passed to a shell
  std::vector<std::pair<std::string, std::string>> env;
  std::string cwd;  // empty: that of this process
};

using target = std::variant<http_target, stdio_target>;

// Checks a URL of an MCP server without connecting; answers it as it may be shown and stored: without query and fragment.
// Failure: invalid (bad_url) unless it is http or https, with a host and without user-info. Pure.
[[nodiscard]] result<std::string> shown_url(std::string_view url);

// The name of this target in era_memory: the URL, or the command line. Pure.
[[nodiscard]] std::string era_key(const target& server);

}  // namespace mcpstate::mcp
