// SPDX-License-Identifier: MIT
#include "store/memory/leases.hh"

#include <algorithm>

namespace mcpstate {

result<std::optional<lease_row>> memory_leases::find_lease(const managed_name& name) {
  const auto found = leases_.find(name);
  return found == leases_.end() ? std::optional<lease_row>() : std::optional<lease_row>(found->second);
}

result<bool> memory_leases::write_lease(const lease_row& row) {
  leases_.insert_or_assign(row.name, row);
  return true;
}

result<bool> memory_leases::remove_lease(const managed_name& name) {
  leases_.erase(name);
  return true;
}

result<bool> memory_leases::remove_leases(const owner& account) {
  std::erase_if(leases_, [&account](const auto& one) { return one.first.owner == account; });
  return true;
}

result<bool> memory_leases::set_last_lease_number(std::uint64_t number) {
  last_number_ = number;
  return true;
}

result<std::vector<managed_name>> memory_leases::unheld(timestamp now, std::size_t limit) {
  std::vector<std::pair<timestamp, const managed_name*>> waiting;
  for (const auto& [name, row] : leases_) {
    if (row.until <= now) waiting.emplace_back(row.until, &name);
  }
  std::stable_sort(waiting.begin(), waiting.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<managed_name> out;
  for (const auto& [until, name] : waiting) {
    if (out.size() == limit) break;
    out.push_back(*name);
  }
  return out;
}

result<std::vector<managed_name>> memory_leases::registered_as(const std::string& name,
                                                               const std::optional<managed_name>& after, std::size_t limit) {
  std::vector<managed_name> out;
  auto next = after ? leases_.upper_bound(*after) : leases_.begin();
  for (; next != leases_.end() && out.size() < limit; ++next) {
    if (next->second.registered == name) out.push_back(next->first);
  }
  return out;
}

result<std::optional<timestamp>> memory_leases::report_end(const instance_report& report) {
  const auto found = instances_.find(report.name);
  if (found == instances_.end() || found->second.first != report) return std::optional<timestamp>();
  return std::optional<timestamp>(found->second.second);
}

result<bool> memory_leases::write_instance(const instance_report& report, timestamp until) {
  instances_.insert_or_assign(report.name, std::pair(report, until));
  return true;
}

result<bool> memory_leases::remove_instance(const std::string& name) {
  instances_.erase(name);
  return true;
}

result<std::vector<instance_report>> memory_leases::instances() {
  std::vector<instance_report> out;
  for (const auto& [name, one] : instances_) out.push_back(one.first);
  return out;
}

result<bool> memory_leases::has_ended(timestamp now) {
  const auto forgotten = [now](const auto& one) { return one.second.forget_at <= now; };
  const auto silent = [now](const auto& one) { return one.second.second <= now; };
  return std::any_of(leases_.begin(), leases_.end(), forgotten) || std::any_of(instances_.begin(), instances_.end(), silent);
}

result<bool> memory_leases::purge_leases(timestamp now) {
  std::erase_if(leases_, [now](const auto& one) { return one.second.forget_at <= now; });
  std::erase_if(instances_, [now](const auto& one) { return one.second.second <= now; });
  return true;
}

}  // namespace mcpstate
