// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

#include "service/http/message.hh"

// What goes wrong over HTTP: one table of kinds (RFC 9457), each with a slug that clients may branch on. Pure.
namespace mcpstate::service {

enum class problem_kind {
  bad_request,          // 400 not HTTP as it should be
  bad_path,             // 400
  unknown_parameter,    // 400
  bad_parameter,        // 400
  invalid_body,         // 400 no JSON, a wrong type, an unknown member
  unauthorized,         // 401
  forbidden,            // 403 this token is not for that
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
  uri_too_long,         // 414
  media_type,           // 415
  expectation_failed,   // 417
  kept_elsewhere,       // 421
  invalid,              // 422 understood, and refused
  forbidden_target,     // 422
  unknown_server,       // 422
  too_many_requests,    // 429
  header_too_large,     // 431
  internal,             // 500
  corrupt,              // 500
  server_failed,        // 502 the MCP server
  unknown_outcome,      // 502
  unavailable,          // 503
  shutting_down,        // 503
  timeout,              // 504
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
  std::string detail;  // one line of ours
  std::string code;    // name_of(errc), of an error that came from below
  std::string peer;    // what the MCP server said; for the owner of the request only
};

// What an error of the store, or of the manager about the store, is to a client. Never with the peer's words.
[[nodiscard]] problem problem_of(const error& e);
// The same for an error that a call of a tool ended with: the MCP server is to blame where it can be, and is quoted.
[[nodiscard]] problem problem_of_call(const error& e);

// application/problem+json. request_id: "instance".
[[nodiscard]] http_response answer(const problem& what, std::string_view request_id);

}  // namespace mcpstate::service
