// SPDX-License-Identifier: MIT
#include "service/routes/preconditions.hh"

#include <algorithm>
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

asio::awaitable<std::optional<problem>> check_connection_limit(request_context& context) {
  if (context.authorized.sender.kind != token_kind::owner) co_return std::nullopt;
  auto reading = context.shard.store.list(context.owner(), tools_wanted::no);
  const auto all = co_await measured(context, "list", std::move(reading));
  if (!all) co_return problem_of(all.error());
  const std::string& server = context.server().text();
  const bool exists = std::any_of((*all)->begin(), (*all)->end(), [&server](const auto& c) { return c.server == server && !is_foreign_member(c); });
  if (exists || (*all)->size() < max_owner_connections) co_return std::nullopt;
  co_return problem(problem_kind::invalid, "there are " + std::to_string((*all)->size()) +
                                               " connections, the most that one owner may make; those that are disconnected "
                                               "count until they expire or are cleared");
}

}  // namespace mcpstate::service
