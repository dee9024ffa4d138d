// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
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
#include <mcpstate/mcp/egress.hpp>
#include <mcpstate/mcp/era.hpp>
#include <mcpstate/mcp/host.hpp>

// An MCP client: one connection to one server, of any protocol revision from 2024-11-05 to 2026-07-28.
//
//     mcp::http_target there;  there.url = "http://127.0.0.1:3001/mcp";
//     auto opened = co_await mcp::connect(executor, std::move(there), mcp::client_options());
//     auto listed = co_await (*opened)->list_tools();
//     auto called = co_await (*opened)->call_tool("echo", R"({"message":"hello"})", mcp::call_options());
//     co_await (*opened)->close();
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

// One step on the way to a connection, for people who want to know what a server does and how long it takes.
struct connect_step {
  connect_step() {}
  std::string what;  // "start the program", "server/discover", "start it again", "initialize", "GET (event stream)"
                     // (HTTP+SSE), "GET (announcements)", "subscriptions/listen"
  bool ok = false;
  std::string outcome;  // "ok", or what came instead in a few words of ours
  std::string peer;     // the server's own words about it, if any
  std::chrono::microseconds took{0};
  unsigned http_status = 0;     // of an answer that was no success, or not MCP; 0: there was none
  std::string content_type;     // of that answer, without parameters
  std::int64_t rpc_error = 0;   // code of a JSON-RPC error
  std::optional<errc> failure;  // when there was no answer at all, or none of MCP
};

struct client_options {
  client_options() {}
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);  // spawn or connect, and the whole handshake
  std::chrono::milliseconds probe_timeout = std::chrono::seconds(10);    // of it, for finding out the protocol
  std::chrono::milliseconds request_timeout = std::chrono::seconds(60);  // one request, its stream included
  std::chrono::milliseconds stop_timeout =
      std::chrono::seconds(3);                        // stdio: from closed stdin to SIGTERM, and on to SIGKILL
  std::size_t max_message_bytes = 32u * 1024 * 1024;  // one JSON-RPC message, or one SSE event
  std::size_t max_tools_bytes = default_tools_limit;
  std::size_t max_tools = 5000;
  std::size_t max_pages = 100;
  std::string ca_file;                           // https: instead of the system's certificates; verification is always on
  egress_policy egress = egress_policy::open();  // where it may connect to; strict() for URLs that came from others
  std::string client_name = "mcpstate";
  std::string client_version;  // empty: ours

  era_choice protocol = era_choice::automatic;
  std::shared_ptr<era_memory> eras;  // what earlier connections found out; null: find out each time
  std::shared_ptr<host> user;        // whom servers may ask, and who is told what they say; null: nobody
  // Follow what the server announces (list_changed): keeps a stream open where the transport needs one.
  bool follow = false;
  // When the server has lost or ended the session, the next request opens a new one. Requests that were under way are
  // repeated only if they cannot have done anything: tools/call never is.
  bool reopen = true;
  std::function<void(const connect_step&)> on_step;  // called on the executor; returns at once
  // What a server does that it should not, and that does no harm: text on standard output that is no message. Ours, then its
  // own words. Called on the executor; returns at once; may be called often.
  std::function<void(const std::string& what, const std::string& peer)> on_oddity;
};

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
