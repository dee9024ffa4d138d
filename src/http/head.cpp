// SPDX-License-Identifier: MIT
#include "http/head.hh"

#include <algorithm>
#include <utility>

namespace mcpstate::http {

std::string_view head::other(std::string_view name) const noexcept {
  const auto found = std::find_if(others.begin(), others.end(),
                                  [&](const auto& each) { return each.first == name && !each.second.empty(); });
  return found == others.end() ? std::string_view() : std::string_view(found->second);
}

bool is_success(const head& answered) noexcept { return answered.status >= 200 && answered.status < 300; }

answer to_answer(head answered, std::string body) {
  answer out;
  out.status = answered.status;
  out.content_type = std::move(answered.content_type);
  out.location = std::move(answered.location);
  out.retry_after = std::move(answered.retry_after);
  out.date = std::move(answered.date);
  out.www_authenticate = std::move(answered.www_authenticate);
  out.body = std::move(body);
  return out;
}

}  // namespace mcpstate::http
