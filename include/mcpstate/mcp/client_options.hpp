// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/tools.hpp>
#include <mcpstate/http/egress.hpp>
#include <mcpstate/mcp/era.hpp>
#include <mcpstate/mcp/host.hpp>

// How an MCP client behaves.
namespace mcpstate::mcp {

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

}  // namespace mcpstate::mcp
