// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

#include <mcpstate/aio/task.hpp>

// The other side of an MCP client: what the program that uses it offers to servers, and what it is told.
namespace mcpstate::mcp {

// Derive from it and override what you offer; as it stands it offers nothing and hears nothing, which is what most hosts of
// many users want: what is declared changes the tools that a server lists.
//
// Executor: every member is called on the client's executor. Lifetime: outlives every client that was given it. The told_*
// members return at once and must not destroy the client; whoever wants to act on them starts work of his own.
class host {
 public:
  virtual ~host() = default;
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  // The client capabilities to declare, a raw JSON object: {"elicitation":{}}, {"roots":{"listChanged":true}}. Asked once
  // per connection. A server's request for anything that is not declared here is refused without asking answer().
  [[nodiscard]] virtual std::string capabilities() const { return "{}"; }

  // A server asks (elicitation/create, sampling/createMessage, roots/list): answers the raw JSON result. An error becomes a
  // JSON-RPC error of the server's request: -32602 for cond::invalid, -1 ("rejected") for all else; its detail is sent to
  // the server. Cancelled when the server takes its question back or the session ends. The words are the server's: show them
  // to nobody but the owner of the connection.
  virtual task<std::string> answer(std::string method, std::string params);

  // The server says that a list has changed: "tools", "prompts" or "resources". May come in storms; wait a little before
  // listing again. Also told when a stream that carries such news had broken, because some may be lost.
  virtual void told_list_changed(std::string_view what) { static_cast<void>(what); }
  // Any other notification (log messages, resource updates), raw.
  virtual void told(const std::string& method, const std::string& params) {
    static_cast<void>(method);
    static_cast<void>(params);
  }
  // The stream on which the server speaks first has ended, and is opened again. That may mean nothing (servers and proxies
  // end idle streams), or that the server is gone: a ping tells. Not told where the session lives and dies with that stream.
  virtual void told_stream_ended() {}
  // The session has ended, and not by close(). The next request opens a new one, if the client's options let it.
  virtual void told_lost(const error& why) { static_cast<void>(why); }

 protected:
  host() = default;
};

// The content to send when a person accepts an elicitation: `content` (a raw JSON object; {} if he changed nothing) with the
// defaults that the request's schema gives for the properties it leaves out. params: those of elicitation/create, raw.
// protocol if params is not such a request, bad_argument if content is not an object. Pure.
[[nodiscard]] result<std::string> with_defaults(std::string_view params, std::string_view content);

}  // namespace mcpstate::mcp
