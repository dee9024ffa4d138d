// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

#include "service/http/message.hh"

// The problems that HTTP clients are told of (RFC 9457): one table of kinds. Each kind has a slug that clients may branch
// on, and a fixed status. Pure.
namespace mcpstate::service {

enum class problem_kind {
  bad_request,          // 400 not valid HTTP
  bad_path,             // 400
  unknown_parameter,    // 400
  bad_parameter,        // 400
  invalid_body,         // 400 not JSON, a wrong type, an unknown member
  unauthorized,         // 401
  forbidden,            // 403 the token does not allow it
  forbidden_host,       // 403
  forbidden_origin,     // 403
  no_route,             // 404
  not_found,            // 404 no such record
  no_tools,             // 404
  method_not_allowed,   // 405
  request_timeout,      // 408
  conflict,             // 409
  managed,              // 409
  no_keys,              // 409
  precondition_failed,  // 412
  too_large,            // 413
  owner_full,           // 413 the tools of the owner's connections would be larger together than they may be
  uri_too_long,         // 414
  media_type,           // 415
  expectation_failed,   // 417
  kept_elsewhere,       // 421
  invalid,              // 422 understood and refused
  forbidden_target,     // 422
  unknown_server,       // 422
  answer_too_large,     // 422 more than is held for one owner's answers
  too_many_requests,    // 429
  header_too_large,     // 431
  internal,             // 500
  corrupt,              // 500
  not_implemented,      // 501 a method that no route takes
  server_failed,        // 502 the MCP server failed
  unknown_outcome,      // 502
  unavailable,          // 503 the store
  not_replicated,       // 503 written, and not confirmed by as many replicas as wanted
  busy,                 // 503 no room for this body or this answer now
  shutting_down,        // 503
  timeout,              // 504
  unsupported_version,  // 505 of HTTP
  storage_full,         // 507
};

struct problem_facts {
  std::string_view slug;
  unsigned status;
  std::string_view title;
};
[[nodiscard]] const problem_facts& facts_of(problem_kind kind) noexcept;
inline constexpr std::size_t problem_kinds = static_cast<std::size_t>(problem_kind::storage_full) + 1;

struct problem {
  problem(problem_kind k, std::string text) : kind(k), detail(std::move(text)) {}
  problem_kind kind;
  std::string detail;  // one line, in the project's own words
  std::string code;    // name_of(errc), when an error is the cause
  std::string peer;    // the MCP server's words; shown to the owner of the request only
};

// The problem that reports an error of the store or of the manager. Never holds a peer's words.
[[nodiscard]] problem problem_of(const error& e);
// The problem that reports the error of a tool call. It blames the MCP server where the server can be the cause, and quotes
// it.
[[nodiscard]] problem problem_of_call(const error& e);

// The response that carries a problem as application/problem+json. request_id becomes its "instance".
[[nodiscard]] http_response problem_response(const problem& reported, std::string_view request_id);

}  // namespace mcpstate::service
