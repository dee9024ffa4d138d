// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/time.hpp>

#include "http/head.hh"
#include "http/headers.hh"
#include "mcp/protocol/jsonrpc.hh"

// What answers and headers of HTTP mean to an MCP client. Pure.
namespace mcpstate::mcp {

// bad_argument for a header that the protocol itself sets.
[[nodiscard]] result<void> check_protocol_headers(const http::header_list& headers);

// A session id as the protocol allows it: visible ASCII.
[[nodiscard]] bool is_session_id(std::string_view id) noexcept;

// How long an answer asks to wait before the next request: Retry-After of 429 and 503, in seconds or as a date, which counts
// from the answer's own Date or else from `now` (none: timestamp{}). Absent: it does not ask, or nobody can say.
[[nodiscard]] std::optional<std::chrono::seconds> wait_of(const http::answer& answer, timestamp now);
// The error for an answer that carries no JSON-RPC answer, because of its status or its content type. It has the status, and
// what wait_of() answers.
[[nodiscard]] error explain_answer(const http::answer& answer, timestamp now = timestamp{});
// Whether the body of an answer that is no success is a JSON-RPC error all the same: the answer to the request.
[[nodiscard]] bool has_rpc_error(const http::answer& answer);
// Whether a JSON-RPC error says that the server does not know the session: real servers say so under any HTTP status, and
// under several codes.
[[nodiscard]] bool tells_lost_session(const message& failure);
// Whether an answer says that the session of the request is over. 404 means that; real servers also answer with other
// statuses and words about the session. has_worked: a request of the session was answered before.
[[nodiscard]] bool is_session_over(const http::answer& answer, bool has_worked);

}  // namespace mcpstate::mcp
