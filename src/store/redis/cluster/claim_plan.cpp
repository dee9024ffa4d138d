// SPDX-License-Identifier: MIT
#include "store/redis/cluster/claim_plan.hh"

#include "core/text/number.hh"
#include "store/rows/claim_rule.hh"

namespace mcpstate {

std::optional<noted_copy> read_noted(const std::string& text) {
  const auto blank = text.find(' ');
  if (blank == std::string::npos) return std::nullopt;
  const auto session = parse_number<std::uint64_t>(std::string_view(text).substr(0, blank));
  const auto user = parse_number<std::uint64_t>(std::string_view(text).substr(blank + 1));
  if (!session || !user) return std::nullopt;
  noted_copy out;
  out.session = *session;
  out.user = *user;
  return out;
}

// The user may have changed or removed the copy since: it is not written again. A session's record that has changed since is newer
// than a copy that has not.
void plan_member(claimed_member& of) {
  of.what = claimed_member::step::keep;
  if (!of.session_record) return;
  const bool is_copy = of.noted && of.user_record && of.user_record->revision == of.noted->user;
  if (of.noted && of.noted->session == of.session_record->revision) {
    of.what = claimed_member::step::copied;
  } else if (is_copy || claim_moves(of.user_record)) {
    of.what = claimed_member::step::move;
  }
}

}  // namespace mcpstate
