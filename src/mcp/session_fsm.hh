// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

#include "mcp/jsonrpc.hh"

// One MCP session of the handshake era (protocol 2024-11-05 to 2025-11-25), as a pure state machine: it numbers requests,
// tells which answer belongs to which of them, answers the server's own requests, and negotiates the version. The shell
// sends what it is told to send. No socket, no clock.
//
//     idle --start--> initializing --initialize answered--> initialized --announced--> ready --close--> closed
namespace mcpstate::mcp {

inline constexpr std::string_view newest_protocol_version = "2025-11-25";
[[nodiscard]] bool is_known_version(std::string_view version) noexcept;

// A message to send. id is 0 when nothing comes back for it.
struct outgoing {
  outgoing() {}
  outgoing(std::string text_, std::uint64_t id_) : text(std::move(text_)), id(id_) {}
  std::string text;
  std::uint64_t id = 0;
};

// What the answer to initialize said.
struct handshake {
  handshake() {}
  std::string protocol_version;
  std::string server_name, server_version, instructions;
  std::string capabilities = "{}";  // raw JSON object
  bool has_tools = false;
  bool tools_list_changed = false;
};

class session_fsm {
 public:
  enum class phase { idle, initializing, initialized, ready, closed };

  session_fsm(std::string client_name, std::string client_version)
      : client_name_(std::move(client_name)), client_version_(std::move(client_version)) {}

  [[nodiscard]] phase where() const noexcept { return phase_; }
  // Whether a text may be an array of messages: only 2025-03-26 says so.
  [[nodiscard]] bool batches() const noexcept { return batches_; }
  [[nodiscard]] bool is_waiting(std::uint64_t id) const { return waiting_.contains(id); }

  // idle → initializing: the initialize request.
  outgoing start();
  // initializing → initialized: reads the answer to initialize. protocol or unsupported if it cannot be worked with.
  result<handshake> on_initialize_answer(const message& answer);
  // initialized → ready: the notification to send before anything else.
  outgoing announce();
  // The next request; stopped unless ready.
  result<outgoing> request(std::string_view method, std::string_view params);

  // What to do about a message from the server.
  struct reaction {
    reaction() {}
    enum class kind {
      none,      // nothing: a notification, or an answer nobody waits for
      send,      // send `reply`
      complete,  // `answer` belongs to the request `id`
    } what = kind::none;
    outgoing reply;
    std::uint64_t id = 0;
    message answer;
  };
  reaction on_message(message in);

  // The caller no longer waits for a request: what to tell the server, if anything. A late answer is then ignored.
  std::optional<outgoing> abandon(std::uint64_t id, std::string_view reason);
  void close() noexcept { phase_ = phase::closed; }

 private:
  outgoing numbered(std::string_view method, std::string_view params);
  std::optional<std::uint64_t> request_of(const message& answer) const;

  std::string client_name_, client_version_;
  phase phase_ = phase::idle;
  bool batches_ = false;
  std::uint64_t last_id_ = 0;
  std::uint64_t initialize_id_ = 0;
  std::set<std::uint64_t> waiting_;
};

}  // namespace mcpstate::mcp
