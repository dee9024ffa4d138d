// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>
#include <mcpstate/mcp/era.hpp>

#include "mcp/protocol/http_rules.hh"
#include "mcp/protocol/jsonrpc.hh"
#include "mcp/protocol/revisions.hh"

// Finds out which era a server speaks, and over which transport. A pure state machine: it says what to try, takes the
// outcome, and ends with a verdict. No socket, no clock.
//
//     discover ──answered──────────────────────────────→ modern
//        │ └─ -32022, -32020, -32021 → discover again, once
//        ├─ any other answer → initialize ──answered──→ legacy
//        │                        ├─ refused for its revision → initialize with the one that the server names, once
//        │                        ├─ 4xx → GET event stream, initialize → sse
//        │                        └─ -32022 that lists a modern version → discover
//        ├─ stdio: silent → initialize on the same pipe, and discover again where that is not known
//        ├─ stdio: ended, or silent to both although it reads → start it again, initialize
//        ├─ HTTP: 5xx, no answer, one that is no message → initialize; if that fails, too, this was the failure
//        └─ HTTP: 401, 403, 429, redirects, no connection → fail: this says nothing about the era
namespace mcpstate::mcp {

// The outcome of a request, in the terms that matter here.
struct observed {
  observed() {}
  enum class kind {
    answer,   // a JSON-RPC result
    failure,  // a JSON-RPC error, whatever the HTTP status
    refused,  // HTTP: an answer without JSON-RPC, success or 4xx
    denied,   // HTTP: 401 or 403
    silent,   // no answer in time
    ended,    // stdio: the process ended, or closed its streams
    broken,   // everything else: the network, TLS, 5xx, a redirect
  } type = kind::broken;
  message msg;                          // of answer and failure
  unsigned status = 0;                  // HTTP; 0 if there was none
  error why{errc::bug, std::string()};  // of all but answer
  bool reads = true;                    // stdio: the program has read what it was sent; else it is still starting, or stuck
};
// Of the result of a request; refusal: what HTTP answered if it was no success; now: none is timestamp{}.
[[nodiscard]] observed observe(result<message> got, const std::optional<http::answer>& refusal, timestamp now = timestamp{});

class detect_fsm {
 public:
  enum class carrier { http, stdio };
  detect_fsm(carrier used, era_choice wanted, std::optional<era> remembered)
      : carrier_(used), wanted_(wanted), remembered_(remembered) {}

  struct step {
    step() {}
    enum class kind {
      discover,    // send server/discover with `version`
      initialize,  // send initialize
      restart,     // stdio: start the program anew, then send initialize
      open_sse,    // open the event stream of HTTP+SSE, then send initialize over it
      done,        // it is `found`; the last answer is the one to read
      fail,        // `why`
    } type = kind::fail;
    std::string version;  // to ask for or to offer; of done: the one of era::modern
    era found = era::legacy;
    error why{errc::bug, std::string()};  // of fail
  };
  step start();
  step next(const observed& got);
  // Whether the remembered era has proved wrong.
  [[nodiscard]] bool contradicted() const noexcept { return contradicted_; }
  // Whether the verdict holds for other sessions. What comes of an unusable answer to discover does not.
  [[nodiscard]] bool is_sure() const noexcept { return !discover_failed_; }
  // Whether initialize follows when discover brings no answer.
  [[nodiscard]] bool may_fall_back() const noexcept {
    return may_initialize() && remembered_ != era::modern && !back_to_modern_;
  }

 private:
  enum class state { discovering, initializing, opening_sse };
  step discover(std::string_view version);
  step initialize();
  step fail_initialize(error reason) const;
  step restart();
  step open_sse(error reason);
  step open_sse();
  step detect_again();
  step on_discovered(const observed& got);
  step on_versions(const std::vector<std::string>& versions, bool answered);
  step on_discover_failure(const observed& got);
  step on_initialized(const observed& got);
  bool revise_offer(const observed& got);
  [[nodiscard]] bool may_initialize() const noexcept { return wanted_ != era_choice::modern; }

  carrier carrier_;
  era_choice wanted_;
  std::optional<era> remembered_;
  state state_ = state::discovering;
  bool probed_ = false;          // stdio: this process was asked server/discover
  bool unanswered_ = false;      // … and has not answered so far
  bool probe_read_ = false;      // … although it has read the question
  bool resent_ = false;          // discover was repeated because the server wanted another version or header
  bool back_to_modern_ = false;  // initialize was refused by a modern server
  bool contradicted_ = false;
  std::string offered_ = std::string(newest_legacy_version);
  std::optional<error> discover_failed_;  // HTTP: it brought nothing usable, and initialize is tried
  std::optional<error> version_refused_;  // the first offer was refused for its revision
  std::optional<error> post_failed_;      // why initialize by POST failed, when HTTP+SSE is tried
};

}  // namespace mcpstate::mcp
