// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <mcpstate/mcp/client.hpp>

#include "aio/latch.hh"
#include "http/head.hh"
#include "mcp/protocol/jsonrpc.hh"

namespace mcpstate::mcp {

// How long to wait for an answer, and what to do meanwhile.
struct request_limits {
  request_limits() {}
  std::string method;                  // for errors
  std::chrono::milliseconds limit{0};  // for errors; and the time that a question of the server gives anew
  aio::deadline until, at_most;        // progress moves until, at most to at_most
  std::chrono::steady_clock::duration progress_extension{0};  // how far a sign of progress moves until; 0: not
  std::function<void(const progress_report&)> on_progress;
};

// More about a request that failed than its error says.
struct request_failure {
  request_failure() {}
  std::optional<http::answer> refusal;  // HTTP: what came instead of an answer
  bool session_over = false;            // the server no longer knows the session; nothing was done
};

// A request under way. It lives in the frame of channel::ask().
struct pending_request {
  explicit pending_request(request_limits with) : limits(std::move(with)) {}
  request_limits limits;
  aio::latch answered;
  aio::latch closed;  // the session is closed: stop waiting
  std::optional<message> answer;
  std::optional<error> reason;  // why no answer will come
  request_failure failure;
};

}  // namespace mcpstate::mcp
