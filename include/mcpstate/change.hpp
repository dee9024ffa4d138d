// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/lease.hpp>

// What store::put writes. A value: built, moved into put(), gone.
namespace mcpstate {

// One write. Built from what was read (then it carries that basis and those details), or from a name alone (then put()
// reads first and tries again when somebody was faster: "whatever is there").
class change {
 public:
  change(owner who, server_name server, status to);
  change(const connection& seen, status to);

  change& based_on(basis seen);       // write only if this still holds; basis{} means: nothing is there
  change& with(details info);         // replaces everything known; otherwise what was read is kept
  change& connected_at(timestamp t);  // default: now; kept when CONNECTED stays CONNECTED and keep_connected_at()
  change& keep_connected_at();
  change& tools(tools_list list);  // replaces; an empty list over a good one is refused with empty_tools …
  change& allow_empty_tools();     // … unless this was said
  change& drop_tools();            // what DISCONNECTED does anyway; the other states keep the tools
  change& fail(failure why);       // sets details.error
  change& keep_expiry();           // a check is no use: the record expires when it would have (one that is new: as usual)
  change& under(lease keeper);     // write only while this lease holds; otherwise conflict (lease_lost) and nothing written

  // Observers, for stores.
  enum class tools_action { keep, replace, drop };
  [[nodiscard]] const owner& whose() const noexcept { return who_; }
  [[nodiscard]] const std::string& member() const noexcept { return member_; }  // encoded
  [[nodiscard]] const std::string& server() const noexcept { return server_; }
  [[nodiscard]] status to() const noexcept { return to_; }
  [[nodiscard]] const std::optional<basis>& expected() const noexcept { return expected_; }
  // The record as the writer had read it, if the change was built from one and its basis is still that record's.
  [[nodiscard]] const std::optional<connection>& read_before() const noexcept { return seen_; }
  [[nodiscard]] tools_action action() const noexcept { return action_; }
  [[nodiscard]] const std::optional<tools_list>& new_tools() const noexcept { return tools_; }
  [[nodiscard]] bool empty_tools_allowed() const noexcept { return allow_empty_; }
  [[nodiscard]] bool expiry_kept() const noexcept { return keep_expiry_; }
  [[nodiscard]] const std::optional<lease>& keeper() const noexcept { return keeper_; }
  // The record this change makes of what was read (absent: nothing was there): details merged, connected_at decided.
  [[nodiscard]] connection apply_to(const std::optional<connection>& before, timestamp now) const;

 private:
  owner who_;
  std::string server_, member_;
  status to_;
  std::optional<basis> expected_;
  std::optional<connection> seen_;
  std::optional<details> details_;
  std::optional<failure> error_;
  std::optional<timestamp> connected_at_;
  bool keep_connected_at_ = false;
  tools_action action_;
  std::optional<tools_list> tools_;
  bool allow_empty_ = false;
  bool keep_expiry_ = false;
  std::optional<lease> keeper_;
};

}  // namespace mcpstate
