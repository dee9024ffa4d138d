// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

#include <mcpstate/aio/task.hpp>

// What the program that uses an MCP client offers to servers, and what it is told of them.
namespace mcpstate::mcp {

// Derive from it and override what you offer. As it stands it offers nothing and does nothing. Most hosts of many users want
// that, because what a client declares changes the tools that a server lists.
//
// Thread rule: every member is called on the client's executor. Lifetime: shared with every client that was given it. The
// told_* members return at once, must not throw and must not destroy the client; start a task to act on what they say.
class host {
 public:
  virtual ~host() = default;
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  // The client capabilities to declare, a raw JSON object: {"elicitation":{}}, {"roots":{"listChanged":true}}. Called once
  // per client. A request of a server for anything that is not declared here is refused without calling answer().
  [[nodiscard]] virtual std::string capabilities() const { return "{}"; }

  // Answers a request of the server (elicitation/create, sampling/createMessage, roots/list) with the raw JSON result. An
  // error becomes the JSON-RPC error of that request: -32602 for cond::invalid, -1 ("rejected") for all else; its detail is
  // sent to the server. Cancelled when the server cancels its request or the session ends. The texts are the server's: show
  // them to nobody but the owner of the connection.
  virtual task<std::string> answer(std::string method, std::string params);

  // The server says that a list has changed: "tools", "prompts" or "resources". This may come very often; wait a little
  // before listing again. Also called after the stream that carries these messages was broken, because some may be lost.
  virtual void told_list_changed(std::string_view what) { static_cast<void>(what); }
  // Any other notification (log messages, resource updates), raw.
  virtual void told(const std::string& method, const std::string& params) {
    static_cast<void>(method);
    static_cast<void>(params);
  }
  // The stream on which the server speaks first has ended, and is opened again. This may mean nothing, because servers and
  // proxies end idle streams, or that the server is gone; a ping finds out. Not called where the session ends with that
  // stream.
  virtual void told_stream_ended() {}
  // The session has ended, and not by close(). The next request opens a new one if client_options::reopen is set.
  virtual void told_lost(const error& why) { static_cast<void>(why); }

 protected:
  host() = default;
};

// The content to send when a person accepts an elicitation: `content` (a raw JSON object; {} if nothing was changed), with
// the defaults of the request's schema for the properties that it leaves out. params: those of elicitation/create, raw.
// Failure: corrupt (errc::protocol) if params is no such request, invalid if content is not an object. Pure.
[[nodiscard]] result<std::string> with_defaults(std::string_view params, std::string_view content);

}  // namespace mcpstate::mcp
