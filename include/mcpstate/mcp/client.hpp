// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>
#include <mcpstate/core/tools.hpp>

// An MCP client: one connection to one server.
//
//     mcp::http_target there;  there.url = "http://127.0.0.1:3001/mcp";
//     auto opened = co_await mcp::connect(executor, std::move(there), mcp::client_options());
//     auto listed = co_await (*opened)->list_tools();
//     co_await (*opened)->close();
namespace mcpstate::mcp {

// A server reached over Streamable HTTP. Header values are secrets: they are sent to this origin only and never shown.
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

struct client_options {
  client_options() {}
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);  // spawn or connect, and the whole handshake
  std::chrono::milliseconds request_timeout = std::chrono::seconds(60);  // one request, its stream included
  std::chrono::milliseconds stop_timeout =
      std::chrono::seconds(3);                        // stdio: from closed stdin to SIGTERM, and on to SIGKILL
  std::size_t max_message_bytes = 32u * 1024 * 1024;  // one JSON-RPC message, or one SSE event
  std::size_t max_tools_bytes = default_tools_limit;
  std::size_t max_tools = 5000;
  std::size_t max_pages = 100;
  std::string ca_file;  // https: instead of the system's certificates; verification is always on
  std::string client_name = "mcpstate";
  std::string client_version;  // empty: ours
};

// What the handshake told.
struct server_facts {
  server_facts() {}
  std::string transport;         // "http" or "stdio"
  std::string protocol_version;  // negotiated
  std::string title, version;    // serverInfo
  std::string capabilities;      // raw JSON object
  std::string instructions;
  bool has_tools = false;           // it declared the capability
  bool tools_list_changed = false;  // …and says that it announces changes
};

struct tool_listing {
  tool_listing() {}
  tools_list tools;                  // all pages as one array, every Tool object byte for byte
  std::vector<std::string> dropped;  // "name: reason" of tools left out (a duplicate name), for logs
  std::size_t pages = 0;
};

// Executor: all members on the executor given to connect(). Lifetime: await close() before destroying; a child process dies
// with the thread that ran connect(), at the latest. Failure: errors carry
// what happened in detail and the server's own words (stderr tail, JSON-RPC message) in peer_text.
class client {
 public:
  virtual ~client() = default;
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  [[nodiscard]] virtual const server_facts& facts() const noexcept = 0;
  // All pages. A server without the tools capability has an empty list. Partial results are never answered: an error in any
  // page fails the whole.
  virtual task<tool_listing> list_tools() = 0;
  // Whether the server still answers: ping. Any well-formed answer counts.
  virtual task<void> ping() = 0;
  // Ends the session: HTTP DELETE, or stdin closed, then SIGTERM, then SIGKILL to the process group. No process is left.
  virtual asio::awaitable<void> close() = 0;

 protected:
  client() = default;
};

// Opens the connection and performs the handshake. Nothing is left behind on failure: no process, no socket.
// Conditions: invalid (URL, command), unavailable, timeout, unauthorized (401, 403), corrupt (not MCP), exhausted.
task<std::unique_ptr<client>> connect(asio::any_io_executor executor, target where, client_options options);

}  // namespace mcpstate::mcp
