// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/store.hpp>

// What was last seen of one owner, and what a newer list makes of it. Pure: a list in, events out.
namespace mcpstate {

class owner_view {
 public:
  explicit owner_view(owner who) : who_(std::move(who)) {}

  // Takes the owner's records as they are now; answers what is different: present for each record that is new or has
  // changed, removed for each that is gone, by server name. A record that only expires at another time has not changed.
  std::vector<event> replace(std::vector<connection> listed);
  // Everything as it was last seen, as present events.
  [[nodiscard]] std::vector<event> snapshot() const;
  // When the first record expires; absent without records, or if none expires.
  [[nodiscard]] std::optional<timestamp> next_expiry() const;
  [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
  [[nodiscard]] const owner& whose() const noexcept { return who_; }

 private:
  owner who_;
  std::map<std::string, connection> records_;
};

// Whether a watcher would call these the same: everything but expires_at and the tools' bytes, which events do not carry.
[[nodiscard]] bool same_to_watchers(const connection& a, const connection& b);

}  // namespace mcpstate
