// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/lease.hpp>

// What store::put writes. A value that is built and moved into put().
namespace mcpstate {

// One write. A change built from a record carries the basis and the details of that record. A change built from a name alone
// writes over whatever is stored: put() reads first, and tries again when another writer was faster.
class change {
 public:
  change(mcpstate::owner account, server_name server, status state);
  change(const connection& before, status state);

  // Writes only if the record still has this basis. basis{}: no record is there.
  change& based_on(basis expected);
  // Replaces all details. Default: the details of the record that was read.
  change& set_details(details info);
  // Default: now. keep_connected_at() leaves it as it is where CONNECTED stays CONNECTED.
  change& connected_at(timestamp time);
  change& keep_connected_at();
  // Replaces the tools. An empty list over a good one is refused with empty_tools unless allow_empty_tools() is called.
  change& tools(tools_list list);
  change& allow_empty_tools();
  // Default: DISCONNECTED drops the tools, other states keep them.
  change& drop_tools();
  // Sets details::error. Of a CONNECTED record it says what is not as it should be although the connection is up. A
  // DISCONNECTED record has none.
  change& fail(failure cause);
  // Leaves the expiry of the record as it is, because a check is no use. A new record expires as usual.
  change& keep_expiry();
  // Refuses a new record with too_many_connections where its owner has this many. 0, the default: no limit.
  change& limit_connections(std::size_t most);
  // Gives the record a revision above this one, whatever is stored: the store may have lost what others have seen.
  change& revise_above(std::uint64_t revision);
  // Writes only while this lease holds. Otherwise conflict (lease_lost), and nothing is written.
  change& require_lease(lease guard);

  // Observers, for stores.
  enum class tools_action { keep, replace, drop };
  [[nodiscard]] const mcpstate::owner& owner() const noexcept { return owner_; }
  [[nodiscard]] const std::string& member() const noexcept { return member_; }  // encoded
  [[nodiscard]] const std::string& server() const noexcept { return server_; }
  [[nodiscard]] status state() const noexcept { return state_; }
  [[nodiscard]] const std::optional<basis>& expected() const noexcept { return expected_; }
  // The record as the writer had read it, if the change was built from one and its basis is still that record's.
  [[nodiscard]] const std::optional<connection>& read_before() const noexcept { return before_; }
  [[nodiscard]] tools_action action() const noexcept { return action_; }
  [[nodiscard]] const std::optional<tools_list>& new_tools() const noexcept { return tools_; }
  [[nodiscard]] bool empty_tools_allowed() const noexcept { return allow_empty_; }
  [[nodiscard]] bool expiry_kept() const noexcept { return keep_expiry_; }
  [[nodiscard]] std::uint64_t revision_floor() const noexcept { return revision_floor_; }
  [[nodiscard]] std::size_t most_connections() const noexcept { return most_connections_; }
  [[nodiscard]] const std::optional<lease>& required_lease() const noexcept { return required_lease_; }
  // The record that this change makes of `before` (absent: there was none), with details merged and connected_at decided.
  [[nodiscard]] connection apply_to(const std::optional<connection>& before, timestamp now) const;

 private:
  mcpstate::owner owner_;
  std::string server_, member_;
  status state_;
  std::optional<basis> expected_;
  std::optional<connection> before_;
  std::optional<details> details_;
  std::optional<failure> error_;
  std::optional<timestamp> connected_at_;
  bool keep_connected_at_ = false;
  tools_action action_;
  std::optional<tools_list> tools_;
  bool allow_empty_ = false;
  bool keep_expiry_ = false;
  std::size_t most_connections_ = 0;
  std::uint64_t revision_floor_ = 0;
  std::optional<lease> required_lease_;
};

}  // namespace mcpstate
