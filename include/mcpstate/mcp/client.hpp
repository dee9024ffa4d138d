// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>
#include <mcpstate/core/tools.hpp>
#include <mcpstate/mcp/client_options.hpp>
#include <mcpstate/mcp/target.hpp>

// An MCP client: one connection to one server, of any protocol revision from 2024-11-05 to 2026-07-28.
//
//     mcp::http_target there;  there.url = "http://127.0.0.1:3001/mcp";
//     auto opened = co_await mcp::connect(executor, std::move(there), mcp::client_options());
//     auto listed = co_await (*opened)->list_tools();
//     auto called = co_await (*opened)->call_tool("echo", R"({"message":"hello"})", mcp::call_options());
//     co_await (*opened)->close();
namespace mcpstate::mcp {

// What the handshake told.
struct server_facts {
  server_facts() {}
  std::string transport;  // "http", "sse" or "stdio"
  era protocol_era = era::legacy;
  std::string protocol_version;  // negotiated
  std::string title, version;    // serverInfo; display data only
  std::string capabilities;      // raw JSON object
  std::string instructions;
  bool has_tools = false;           // it declared the capability
  bool tools_list_changed = false;  // …and says that it announces changes
};

struct tool_listing {
  tool_listing() {}
  tools_list tools;                  // all pages as one array, every Tool object byte for byte
  std::vector<std::string> dropped;  // "name: reason" of tools left out (a duplicate name, a bad x-mcp-header), for logs
  std::size_t pages = 0;
  // How long the server calls it fresh (2026-07-28: the shortest of the pages, a day at most), and whether it is the same
  // for every user of the server. A hint, no promise.
  std::optional<std::chrono::milliseconds> fresh_for;
  bool shared_by_users = false;
};

struct progress_report {
  progress_report() {}
  double progress = 0;
  std::optional<double> total;
  std::string message;  // the server's words
};

struct call_options {
  call_options() {}
  std::chrono::milliseconds timeout{0};                          // without any sign of progress; 0: request_timeout
  std::chrono::milliseconds at_most = std::chrono::minutes(10);  // whatever the progress
  std::function<void(const progress_report&)> on_progress;       // asks the server for progress; returns at once
};

struct call_result {
  call_result() {}
  std::string body;       // the result object, raw: content, structuredContent, isError, _meta
  bool is_error = false;  // the tool failed; content says why. The connection is fine
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
  // arguments: a raw JSON object. What the server wants to know meanwhile (elicitation, sampling, roots) is asked of
  // client_options::user. Cancelling tells the server, in the way of its protocol. Failure: bad_argument for a tool that it
  // does not have and for arguments that it refuses, rpc_error for other refusals, outcome_unknown when the connection broke
  // or the time was over after the call was sent: it may have been carried out, and is never repeated.
  virtual task<call_result> call_tool(std::string name, std::string arguments, call_options options) = 0;
  // Any other request of the protocol (resources/list, resources/read, prompts/get, …): raw params (empty or an object), raw
  // result. One page of a list: the caller follows nextCursor.
  virtual task<std::string> request(std::string method, std::string params, call_options options) = 0;
  // Whether the server still answers: ping, or server/discover where there is no ping. Any well-formed answer counts.
  virtual task<void> ping() = 0;
  // Ends the session: HTTP DELETE, or stdin closed, then SIGTERM, then SIGKILL to the process group. No process is left.
  virtual asio::awaitable<void> close() = 0;

 protected:
  client() = default;
};

// Opens the connection and performs the handshake. Nothing is left behind on failure: no process, no socket.
// Conditions: invalid (URL, command), unavailable (also: no common protocol version), timeout, unauthorized (401, 403),
// corrupt (not MCP), exhausted.
task<std::unique_ptr<client>> connect(asio::any_io_executor executor, target where, client_options options);

}  // namespace mcpstate::mcp
