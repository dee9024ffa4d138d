// SPDX-License-Identifier: MIT
#include "manager/origins/origin_pauses.hh"

#include <algorithm>
#include <utility>

namespace mcpstate {

void origin_pauses::note_failure(const std::string& origin, const error& reason, clock::time_point now) {
  const auto wait = reason.retry_after();
  if (!wait || wait->count() == 0) return;
  std::erase_if(pauses_, [now](const auto& each) { return each.second.until <= now; });
  // What the server said is about the request of one owner. Others learn that it asks to wait.
  error told(reason.code(), reason.detail());
  told.set_http_status(reason.http_status(), wait);
  const auto until = now + (*wait < longest_ ? clock::duration(*wait) : longest_);
  const auto [found, added] = pauses_.try_emplace(origin, until, std::move(told));
  if (!added && found->second.until < until) found->second = pause(until, found->second.reason);
}

std::optional<error> origin_pauses::find(const std::string& origin, clock::time_point now) const {
  const auto found = pauses_.find(origin);
  if (found == pauses_.end() || found->second.until <= now) return std::nullopt;
  error out = found->second.reason;
  out.set_http_status(out.http_status(), std::chrono::ceil<std::chrono::seconds>(found->second.until - now));
  return out;
}

}  // namespace mcpstate
