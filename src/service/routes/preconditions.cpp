// SPDX-License-Identifier: MIT
#include "service/routes/preconditions.hh"

#include <string>

#include "service/http/etag.hh"

namespace mcpstate::service {

std::optional<problem> check_match(const http_request& request, const std::optional<connection>& found) {
  const bool match = !request.if_match || if_match_lists(*request.if_match, found ? &*found : nullptr);
  const auto& excluded = request.if_none_match;
  const bool none_match = !excluded || !found || !(*excluded == "*" || if_match_lists(*excluded, &*found));
  if (match && none_match) return std::nullopt;
  return problem(problem_kind::precondition_failed,
                 found ? "the connection is at revision " + std::to_string(found->revision) : "there is no such connection");
}

std::size_t connection_limit(const request_context& context) noexcept {
  return context.authorized.sender.kind == token_kind::owner ? max_owner_connections : 0;
}

}  // namespace mcpstate::service
