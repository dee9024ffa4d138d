// SPDX-License-Identifier: MIT
#include "transfer/migration_rule.hh"

#include <chrono>

namespace mcpstate::transfer {

namespace {

// Uses renew an expiry without a new revision. A copy may end a little earlier, and not while the source lives on.
constexpr std::chrono::minutes expiry_slack{1};

bool lives_longer(const connection& from, const connection& there) {
  return from.expires_at && there.expires_at && *from.expires_at > *there.expires_at + expiry_slack;
}

bool has_same_content(const connection& from, const connection& there) {
  const bool same_time = !from.connected() || !from.connected_at || from.connected_at == there.connected_at;
  return from.state == there.state && same_time && from.info == there.info;
}

}  // namespace

migration_step decide_migration(const connection& from, const connection* there) {
  if (there == nullptr) return migration_step::copy;
  if (there->revision > 0 && there->revision < from.revision) return migration_step::copy;
  if (has_same_content(from, *there)) return lives_longer(from, *there) ? migration_step::overwrite : migration_step::leave;
  // A program that knows no revisions leaves the one that it found.
  const bool changed_since = from.altered || from.revision == 0 || from.revision == there->revision;
  return changed_since && there->revision > 0 ? migration_step::overwrite : migration_step::ahead;
}

}  // namespace mcpstate::transfer
