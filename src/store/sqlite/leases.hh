// SPDX-License-Identifier: MIT
#pragma once
#include "store/rows/lease_steps.hh"
#include "store/sqlite/db.hh"

namespace mcpstate {

// The leases of the SQLite store: the tables leases and instances. Blocking; used by one thread at a time.
class sqlite_leases final : public lease_table {
 public:
  explicit sqlite_leases(sqlite_db& db) : db_(db) {}

  result<std::optional<lease_row>> find_lease(const managed_name& name) override;
  result<bool> write_lease(const lease_row& row) override;
  result<bool> remove_lease(const managed_name& name) override;
  result<bool> remove_leases(const owner& account) override;
  result<std::uint64_t> last_lease_number() override;
  result<bool> set_last_lease_number(std::uint64_t number) override;
  result<std::uint64_t> count_managed() override;
  result<std::vector<managed_name>> unheld(timestamp now, std::size_t limit) override;
  result<std::vector<managed_name>> registered_as(const std::string& name, const std::optional<managed_name>& after,
                                                  std::size_t limit) override;
  result<std::optional<timestamp>> report_end(const instance_report& report) override;
  result<bool> write_instance(const instance_report& report, timestamp until) override;
  result<bool> remove_instance(const std::string& name) override;
  result<std::vector<instance_report>> instances() override;
  result<bool> has_ended(timestamp now) override;
  result<bool> purge_leases(timestamp now) override;

 private:
  sqlite_db& db_;
};

}  // namespace mcpstate
