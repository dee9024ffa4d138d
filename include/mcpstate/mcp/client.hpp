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
//     mcp::client& server = *opened.value();
//     auto listed = co_await server.list_tools();
//     auto called = co_await server.call_tool("echo", R"({"message":"hello"})", mcp::call_options());
//     co_await server.close();
//
// client_options.hpp says how a client behaves, and host.hpp what a server may ask of it.
namespace mcpstate::mcp {

// What the server said in the handshake. Display data of the peer, unless its field says otherwise.
struct server_facts {
  server_facts() {}
  std::string transport;  // "http", "sse" or "stdio"
  era protocol_era = era::legacy;
  std::string protocol_version;  // as negotiated: "2025-11-25"
  std::string title, version;    // of serverInfo
  std::string capabilities;      // raw JSON object
  std::string instructions;
  bool has_tools = false;           // the server declares tools …
  bool tools_list_changed = false;  // … and that it announces changes of them
};

struct tool_listing {
  tool_listing() {}
  tools_list tools;                  // all pages as one array, every Tool object byte for byte
  std::vector<std::string> dropped;  // "name: reason" of tools left out (a duplicate name, a bad x-mcp-header), for logs
  std::size_t pages = 0;
  // Hints of the server (2026-07-28): how long the list stays fresh (the shortest time of all pages, at most a day), and
  // whether it is the same for every user.
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
  // How long to wait for the answer, or for a sign of progress if on_progress is set. Default: 0: request_timeout.
  std::chrono::milliseconds timeout{0};
  // How long to wait in all, whatever the progress. Default: 10 min. Less than timeout counts as timeout.
  std::chrono::milliseconds at_most = std::chrono::minutes(10);
  // Asks the server for reports of progress. Called on the executor; returns at once; must not throw. Default: empty.
  std::function<void(const progress_report&)> on_progress;
};

struct call_result {
  call_result() {}
  std::string body;       // the result object, raw: content, structuredContent, isError, _meta
  bool is_error = false;  // the tool has failed, and its content says why; the connection is fine
};

// Thread rule: every member is called on the executor given to connect(), one thread at a time. This is not asserted.
// Several requests may be under way at a time. Lifetime: await close() before destroying; requests under way have ended by
// then. A child process dies at the latest with the thread that ran connect(). Cancellation: ends the wait for an answer,
// and tells the server in the way of its protocol. The request may have been carried out. Failure: an error says what
// happened in detail(), and has the server's own words (the end of its standard error, the message of a JSON-RPC error) in
// peer_text(). Any request may report: unavailable (the connection broke, the session could not be opened again), timeout,
// unauthorized (HTTP 401, 403), corrupt (what came is not MCP), exhausted (a limit of client_options), cancelled. Nothing
// throws but std::bad_alloc. After close(): every request reports cancelled.
class client {
 public:
  virtual ~client() = default;
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  [[nodiscard]] virtual const server_facts& facts() const noexcept = 0;
  // All pages as one list. A server that does not declare tools has an empty list. An error in any page fails the whole.
  virtual task<tool_listing> list_tools() = 0;
  // arguments: a raw JSON object. The questions of the server meanwhile (elicitation, sampling, roots) are answered by
  // client_options::user. The call is never repeated once it may have been carried out. Failure: invalid for a tool that the
  // server does not have and for arguments that it refuses, errc::rpc_error for other refusals, errc::outcome_unknown when
  // the connection broke or the time was over after the call was sent.
  virtual task<call_result> call_tool(std::string name, std::string arguments, call_options options) = 0;
  // Any other request of the protocol (resources/list, resources/read, prompts/get, …). params: empty or a raw JSON object.
  // Answers the raw result; of a list one page, whose nextCursor the caller follows.
  virtual task<std::string> request(std::string method, std::string params, call_options options) = 0;
  // Asks the server whether it is there: by ping, or by server/discover where there is no ping. One that answers that with an
  // error, or not within 10 s, is asked for its tools, and from then on for nothing else. A request of this client that is
  // under way is a sign of life: nothing is asked then.
  virtual task<void> ping() = 0;
  // Ends the session: over HTTP with DELETE; a program by closing its standard input, then SIGTERM, then SIGKILL to its
  // process group. No process is left. Takes at most about two seconds over HTTP, for a program those and
  // twice client_options::stop_timeout. Not cancellable.
  virtual asio::awaitable<void> close() = 0;

 protected:
  client() = default;
};

// Opens the connection and performs the handshake. On failure and on cancellation nothing is left: no process, no socket.
// Failure: invalid (URL, command), unavailable (also: no common protocol version), timeout, unauthorized (401, 403), corrupt
// (not MCP), exhausted, cancelled.
task<std::unique_ptr<client>> connect(asio::any_io_executor executor, target server, client_options options);

}  // namespace mcpstate::mcp
