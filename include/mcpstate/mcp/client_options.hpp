// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/core/byte_budget.hpp>
#include <mcpstate/core/error.hpp>
#include <mcpstate/core/tools.hpp>
#include <mcpstate/http/egress.hpp>
#include <mcpstate/mcp/era.hpp>
#include <mcpstate/mcp/host.hpp>

// How an MCP client behaves. Values; connect() takes a copy. Nothing checks the ranges. A time is in milliseconds, and over
// 0 unless its field says otherwise.
namespace mcpstate::mcp {

// One step on the way to a connection, for people who want to know what a server does and how long it takes.
struct connect_step {
  connect_step() {}
  // "start the program", "server/discover", "start it again", "initialize", "GET (event stream)" (HTTP+SSE), "GET
  // (announcements)" or "subscriptions/listen".
  std::string name;
  bool ok = false;
  std::string outcome;  // "ok", or in a few words of ours what came instead
  std::string peer;     // the server's own words about it; may be empty
  std::chrono::microseconds took{0};
  unsigned http_status = 0;     // of an answer that was no success or not MCP; 0: there was none
  std::string content_type;     // of that answer, without parameters
  std::int64_t rpc_error = 0;   // the code of a JSON-RPC error; 0: there was none
  std::optional<errc> failure;  // when there was no answer, or none of MCP
};

struct client_options {
  client_options() {}

  // Timeouts.

  // The time for the whole opening: to start the program or to connect, and the handshake. The attempt then fails with
  // cond::timeout, and nothing of it is left.
  // Default: 30 s.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);
  // stdio: the part of connect_timeout in which the server should answer the first question, which finds out its protocol.
  // One that is silent longer may be an old one, or not be there yet: it is asked to initialize on the same pipe. If it
  // reads and is silent to both for two thirds of connect_timeout, it is started again. Over HTTP the whole connect_timeout
  // counts.
  // Default: 10 s. At most a third of connect_timeout is used.
  std::chrono::milliseconds probe_timeout = std::chrono::seconds(10);
  // stdio: how long a program that was just started may be silent, because it is still being installed or started, before it
  // is ended. It counts in the place of connect_timeout, anew for each start.
  // Default: 0: connect_timeout counts.
  std::chrono::milliseconds startup_timeout{0};
  // The time for one request and its answer, the whole stream included. call_options::timeout goes before it.
  // Default: 60 s.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(60);
  // stdio: how long close() waits for the program to end after its standard input was closed, and once more after SIGTERM;
  // then it sends SIGKILL. So close() may take twice this time.
  // Default: 3 s. Range: 0 and more.
  std::chrono::milliseconds stop_timeout = std::chrono::seconds(3);

  // Limits. What is larger fails with cond::exhausted (too_large).

  // The largest JSON-RPC message, and the largest event of a stream, in bytes.
  // Default: 32 MB.
  std::size_t max_message_bytes = 32u * 1024 * 1024;
  // What the messages that are arriving may take together, of all clients that share this budget, and the owner whose share of
  // it this client takes. A message of up to 64 KiB takes nothing. One that finds no room is thrown away: the
  // request that it answers fails with cond::exhausted (busy), over stdio each request that waits; HTTP+SSE loses the session.
  // Default: null: each message may have max_message_bytes.
  std::shared_ptr<byte_budget> message_budget;
  std::string message_owner;
  // The largest tool list, all pages together, in bytes.
  // Default: default_tools_limit (core/tools.hpp).
  std::size_t max_tools_bytes = default_tools_limit;
  // The largest number of tools in a list.
  // Default: 5000.
  std::size_t max_tools = 5000;
  // The largest number of pages of a list.
  // Default: 100.
  std::size_t max_pages = 100;

  // Reaching the server.

  // https: a PEM file of the certificates to trust in place of the system's. Certificates are always verified.
  // Default: empty: the system's.
  std::string ca_file;
  // Which URLs and addresses may be connected to. Redirects are checked, too.
  // Default: open(): all. Use strict() for URLs that came from other people.
  egress_policy egress = egress_policy::open();

  // The protocol.

  // The name and the version by which the client introduces itself.
  // Default: "mcpstate" and the version of this library (empty).
  std::string client_name = "mcpstate";
  std::string client_version;
  // Which protocol to speak.
  // Default: automatic: the newest that the server speaks.
  era_choice protocol = era_choice::automatic;
  // Remembers for all clients that share it which protocol a server speaks.
  // Default: null: each connection finds out for itself.
  std::shared_ptr<era_memory> eras;
  // Answers the server's questions, and is told what the server announces.
  // Default: null: questions are refused, and nobody is told.
  std::shared_ptr<host> user;
  // Whether to follow what the server announces (list_changed). This keeps a stream open where the transport needs one.
  // Default: false.
  bool follow = false;
  // Whether the next request opens a new session when the server has lost or ended the present one. Requests under way are
  // repeated only if that can do no harm; tools/call never is. At most 5 times in a minute.
  // Default: true.
  bool reopen = true;

  // Observers. Both are called on the executor, return at once and must not throw. Default: empty.

  // Called after each step of opening.
  std::function<void(const connect_step&)> on_step;
  // Called when a server does something wrong but harmless, such as writing text to its standard output that is no message.
  // what: words of ours; peer: the server's own. May be called often.
  std::function<void(const std::string& what, const std::string& peer)> on_oddity;
};

}  // namespace mcpstate::mcp
