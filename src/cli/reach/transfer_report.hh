// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/core/owner.hpp>

#include "cli/view/terminal.hh"
#include "transfer/fault_list.hh"

// What backup, restore and migrate say of themselves.
namespace mcpstate::cli {

// A line on standard error with a rate, and a bar where the total is known; on a terminal only, and a few times a second.
class rate_report {
 public:
  // screen: outlives this.
  rate_report(terminal& screen, std::string doing, std::string unit, std::optional<std::uint64_t> total);
  void show(std::uint64_t done);
  void clear();

 private:
  terminal& screen_;
  std::string doing_, unit_;
  std::optional<std::uint64_t> total_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now(), shown_ = begin_;
};

// Nothing where there is none. what: "could not be restored".
void print_faults(terminal& screen, const transfer::fault_list& faults, const std::string& what);

// The owners of --owner. The first word that is none is the error.
[[nodiscard]] result<std::vector<owner>> parse_owners(const std::vector<std::string>& words);

}  // namespace mcpstate::cli
