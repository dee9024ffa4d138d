// SPDX-License-Identifier: MIT
#include "service/http/problem.hh"

#include <array>

#include "core/json/text.hh"

namespace mcpstate::service {

namespace {

constexpr std::array<problem_facts, problem_kinds> table{{
    {"bad-request", 400, "The request is not valid HTTP"},
    {"bad-path", 400, "The path cannot be used"},
    {"unknown-parameter", 400, "The query has a parameter that this route does not know"},
    {"bad-parameter", 400, "A query parameter has a wrong value"},
    {"invalid-body", 400, "The body is not what this route takes"},
    {"unauthorized", 401, "A valid token is needed"},
    {"forbidden", 403, "This token is not for that"},
    {"forbidden-host", 403, "The Host is not one of ours"},
    {"forbidden-origin", 403, "Pages of this origin may not use this service"},
    {"no-route", 404, "There is nothing at this path"},
    {"not-found", 404, "There is no such connection"},
    {"no-tools", 404, "No tools are known"},
    {"method-not-allowed", 405, "The path does not take this method"},
    {"request-timeout", 408, "The request came too slowly"},
    {"conflict", 409, "Somebody else was faster"},
    {"managed", 409, "mcpstate itself manages this connection"},
    {"no-keys", 409, "This service has no token to sign with"},
    {"precondition-failed", 412, "The connection is no longer what If-Match says"},
    {"too-large", 413, "The body is too large"},
    {"owner-full", 413, "The owner has as many bytes of tools as it may have"},
    {"uri-too-long", 414, "The target is too long"},
    {"unsupported-media-type", 415, "Bodies are application/json"},
    {"expectation-failed", 417, "Only 100-continue can be expected"},
    {"kept-elsewhere", 421, "Another instance manages this connection"},
    {"invalid", 422, "The request cannot be carried out"},
    {"forbidden-target", 422, "The egress policy does not let us connect there"},
    {"unknown-server", 422, "No server of this name is registered"},
    {"answer-too-large", 422, "The answer is too large to be sent at once"},
    {"too-many-requests", 429, "Too many requests"},
    {"header-too-large", 431, "The head of the request is too large"},
    {"internal", 500, "A bug of ours"},
    {"corrupt", 500, "What is stored cannot be understood"},
    {"not-implemented", 501, "No route takes this method"},
    {"server-failed", 502, "The MCP server failed"},
    {"unknown-outcome", 502, "It may or may not have happened"},
    {"unavailable", 503, "The store cannot be reached"},
    {"not-replicated", 503, "It is written, but replicas have not confirmed it"},
    {"busy", 503, "Too many bytes are under way"},
    {"shutting-down", 503, "This instance is ending"},
    {"timeout", 504, "No answer in time"},
    {"unsupported-version", 505, "This version of HTTP is not spoken here"},
    {"storage-full", 507, "The store is full"},
}};

// The second switch has no default label, so a new condition without an entry is a compiler warning.
problem_kind kind_of(const error& e) noexcept {
  switch (e.code()) {
    case errc::forbidden_target:
      return problem_kind::forbidden_target;
    case errc::kept_elsewhere:
      return problem_kind::kept_elsewhere;
    case errc::too_many_connections:
      return problem_kind::invalid;
    case errc::tools_too_large:
      return problem_kind::owner_full;
    case errc::too_large:
      return problem_kind::too_large;
    case errc::queue_full:
      return problem_kind::unavailable;
    case errc::not_replicated:
      return problem_kind::not_replicated;
    case errc::busy:
      return problem_kind::busy;
    default:
      break;
  }
  switch (e.condition()) {
    case cond::not_found:
      return problem_kind::not_found;
    case cond::conflict:
      return problem_kind::conflict;
    case cond::invalid:
      return problem_kind::invalid;
    case cond::unauthorized:  // the store refused our password: the client cannot help it
    case cond::unavailable:
      return problem_kind::unavailable;
    case cond::outcome_unknown:
      return problem_kind::unknown_outcome;
    case cond::timeout:
      return problem_kind::timeout;
    case cond::cancelled:
      return problem_kind::shutting_down;
    case cond::corrupt:
      return problem_kind::corrupt;
    case cond::exhausted:
      return problem_kind::storage_full;
    case cond::internal:
      return problem_kind::internal;
  }
  return problem_kind::internal;
}

bool is_store_code(errc code) noexcept {
  return code == errc::loading || code == errc::read_only || code == errc::server_error || code == errc::storage_failed ||
         code == errc::queue_full;
}

}  // namespace

const problem_facts& facts_of(problem_kind kind) noexcept { return table[static_cast<std::size_t>(kind)]; }

problem problem_of(const error& e) {
  problem out(kind_of(e), e.detail());
  out.code = std::string(name_of(e.code()));
  return out;
}

problem problem_of_call(const error& e) {
  auto out = problem_of(e);
  const bool server_can_fail = e.is(cond::unavailable) || e.is(cond::unauthorized) || e.code() == errc::protocol;
  if (server_can_fail && !is_store_code(e.code())) out.kind = problem_kind::server_failed;
  out.peer = e.peer_text();
  return out;
}

http_response problem_response(const problem& reported, std::string_view request_id) {
  const auto& facts = facts_of(reported.kind);
  http_response out;
  out.status = facts.status;
  out.content_type = "application/problem+json";
  object_writer members(out.body);
  members.text("type", std::string("urn:mcpstate:problem:").append(facts.slug));
  members.text("title", facts.title);
  members.number("status", facts.status);
  members.text("detail", reported.detail);
  if (!reported.code.empty()) members.text("code", reported.code);
  if (!reported.peer.empty()) members.text("peer", reported.peer);
  members.text("instance", std::string("urn:mcpstate:request:").append(request_id));
  members.close();
  if (facts.status >= 500) out.cause = (reported.code.empty() ? std::string() : reported.code + ": ") + reported.detail;
  // What is written is not to be sent again.
  if (facts.status == 503 && reported.kind != problem_kind::not_replicated) out.headers.emplace_back("Retry-After", "1");
  if (reported.kind == problem_kind::unauthorized) out.headers.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

}  // namespace mcpstate::service
