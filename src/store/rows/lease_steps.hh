// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/store.hpp>

// Leases over any table of them: what memory and SQLite share, so that neither has a behaviour of its own. Each step runs
// while the table is held, as with row_steps.
namespace mcpstate {

// One managed connection. It stays when its lease runs out: somebody is to take it then.
struct lease_row {
  explicit lease_row(managed_name of) : what(std::move(of)) {}
  managed_name what;
  std::string holder;  // empty: handed over
  std::uint64_t number = 0;
  timestamp until{};       // of the lease; whole milliseconds
  std::string registered;  // may be empty
  timestamp forget_at{};   // nobody has wanted it for so long that it is managed no more
};

// Synchronous; used by one thread at a time. What has run out stays until it is purged, unless said otherwise.
class lease_table {
 public:
  virtual ~lease_table() = default;
  virtual result<std::optional<lease_row>> find_lease(const managed_name& what) = 0;
  virtual result<bool> write_lease(const lease_row& what) = 0;
  virtual result<bool> remove_lease(const managed_name& what) = 0;
  virtual result<bool> remove_leases(const owner& who) = 0;
  // The last number that was given, to any connection.
  virtual result<std::uint64_t> last_lease_number() = 0;
  virtual result<bool> set_last_lease_number(std::uint64_t to) = 0;
  virtual result<std::uint64_t> count_managed() = 0;
  // Those whose lease has run out by now, the ones that have waited longest first.
  virtual result<std::vector<managed_name>> unheld(timestamp now, std::size_t limit) = 0;
  // Those registered under this name, in order, after this one.
  virtual result<std::vector<managed_name>> registered_as(const std::string& name, const std::optional<managed_name>& after,
                                                          std::size_t limit) = 0;
  virtual result<bool> write_instance(const instance_report& report, timestamp until) = 0;
  virtual result<bool> remove_instance(const std::string& name) = 0;
  virtual result<std::vector<instance_report>> instances() = 0;  // by name
  // Removes leases to be forgotten and reports that have run out.
  virtual result<bool> purge_leases(timestamp now) = 0;
};

class lease_steps {
 public:
  lease_steps(lease_table& table, std::chrono::milliseconds ttl, timestamp now) : table_(table), ttl_(ttl), now_(now) {}

  result<std::optional<lease>> take(const managed_name& what, const std::string& holder, const std::string& registered,
                                    std::chrono::milliseconds time);
  result<std::vector<lease>> renew(const std::vector<lease>& held, std::chrono::milliseconds time);
  result<bool> end(const lease& which, lease_end how);
  result<std::optional<lease>> lease_of(const managed_name& what);
  // Whether it is still this one that holds: lease_lost if not.
  result<bool> expect(const lease& keeper);
  result<fleet> beat(const instance_report& me, std::chrono::milliseconds time);
  result<managed_page> managed_of(const std::string& registered, const std::string& cursor);

 private:
  result<std::optional<lease_row>> running(const managed_name& what);
  result<std::optional<lease_row>> running(const lease& one);
  void extend(lease_row& row, std::chrono::milliseconds time) const;
  lease_table& table_;
  std::chrono::milliseconds ttl_;
  timestamp now_;
};

}  // namespace mcpstate
