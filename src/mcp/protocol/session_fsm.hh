// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

#include "mcp/protocol/jsonrpc.hh"
#include "mcp/protocol/outgoing.hh"
#include "mcp/protocol/revisions.hh"

// One MCP session of either era, as a pure state machine: it numbers requests, matches answers with them, and sorts what
// else the server says. The shell sends what it is told to send. No socket, no clock.
//
//     idle ──initialize──→ initializing ──read──→ initialized ──announce──→ ready ──close──→ closed
//       └────discover, become_modern──────────────────────────────────────────↑
namespace mcpstate::mcp {

// What a caller may add to a request.
struct request_extras {
  request_extras() {}
  bool progress = false;      // ask for reports of progress; the token is the request's number
  http::header_list headers;  // modern, HTTP: Mcp-Param-…
};

class session_fsm {
 public:
  enum class phase { idle, initializing, initialized, ready, closed };

  explicit session_fsm(client_identity identity) : identity_(std::move(identity)) {}

  [[nodiscard]] phase current_phase() const noexcept { return phase_; }
  // Whether a text may be an array of messages: only 2025-03-26 says so.
  [[nodiscard]] bool batches() const noexcept { return batches_; }
  [[nodiscard]] bool modern() const noexcept { return !modern_version_.empty(); }
  [[nodiscard]] bool is_waiting(std::uint64_t id) const { return waiting_.contains(id); }
  [[nodiscard]] const client_identity& identity() const noexcept { return identity_; }

  // A new connection to the server: idle again. Numbers are not used twice, so that late answers match no request.
  void restart();
  // idle → initializing: the initialize request.
  outgoing initialize(std::string_view version = newest_legacy_version);
  // initializing → initialized: reads the answer to initialize. protocol or unsupported if it cannot be worked with.
  result<handshake> on_initialize_answer(const message& answer);
  // initialized → ready: the notification to send before anything else.
  outgoing announce();
  // The probe of the modern era. Allowed in any phase but closed.
  outgoing discover(const std::string& version);
  // idle → ready. cancel_by_message: whether a request is cancelled by a notification (stdio) or by ending its stream
  // (HTTP).
  void become_modern(std::string version, bool cancel_by_message);
  // The next request; stopped unless ready. params: a raw object, or empty.
  result<outgoing> request(std::string_view method, std::string_view params,
                           const request_extras& extras = request_extras());

  // What to do about a message from the server.
  struct reaction {
    reaction() {}
    enum class kind {
      none,          // nothing: an answer nobody waits for
      send,          // send `reply`
      complete,      // `msg` is the answer to the request `id`
      ask,           // ask the host: `msg` is a request for something that was declared
      cancel,        // the server no longer wants the answer to its request with the raw id `text`
      list_changed,  // of `text`: "tools", "prompts", "resources"
      progress,      // of the request `id`: `msg` has it in its body
      notify,        // any other notification: `msg`
    } type = kind::none;
    outgoing reply;
    std::uint64_t id = 0;
    std::string text;
    message msg;
  };
  // on_request: the number of the request whose own HTTP answer held the message; 0 otherwise. An error without an id is
  // then the answer to that request.
  reaction on_message(message incoming, std::uint64_t on_request);

  // The caller no longer waits for a request. Answers the notification to send, if the server is to be told. A late answer
  // is ignored.
  std::optional<outgoing> abandon(std::uint64_t id, std::string_view reason);
  void close() noexcept { phase_ = phase::closed; }

 private:
  outgoing numbered(std::string_view method, std::string_view params);
  outgoing numbered_modern(std::string_view method, std::string_view params, const std::string& version, bool progress);
  std::optional<std::uint64_t> request_of(const message& answer, std::uint64_t on_request) const;
  reaction on_request_of_server(message incoming) const;
  reaction on_notification(message incoming);

  client_identity identity_;
  phase phase_ = phase::idle;
  bool batches_ = false;
  bool cancel_by_message_ = true;
  std::string modern_version_;  // empty: legacy
  std::uint64_t last_id_ = 0;
  std::uint64_t initialize_id_ = 0;
  std::set<std::uint64_t> waiting_;
  std::set<std::uint64_t> subscriptions_;  // requests that the server may end
  std::optional<std::uint64_t> overdue_;   // a probe that was given up; its answer may still come, perhaps without an id
};

}  // namespace mcpstate::mcp
