// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <utility>

#include "store/rows/lease_steps.hh"

namespace mcpstate {

// The leases of the memory store. One process has some ten thousand at most, so that a beat may look at all of them.
class memory_leases final : public lease_table {
 public:
  result<std::optional<lease_row>> find_lease(const managed_name& name) override;
  result<bool> write_lease(const lease_row& row) override;
  result<bool> remove_lease(const managed_name& name) override;
  result<bool> remove_leases(const owner& account) override;
  result<std::uint64_t> last_lease_number() override { return last_number_; }
  result<bool> set_last_lease_number(std::uint64_t number) override;
  result<std::uint64_t> count_managed() override { return static_cast<std::uint64_t>(leases_.size()); }
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
  std::map<managed_name, lease_row> leases_;
  std::map<std::string, std::pair<instance_report, timestamp>> instances_;
  std::uint64_t last_number_ = 0;
};

}  // namespace mcpstate
