// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Facts about this process that every Prometheus client reports under the same names.
namespace mcpstate::service {

struct process_facts {
  double cpu_seconds = 0;
  double start_time = 0;  // Unix seconds
  double resident_bytes = 0, virtual_bytes = 0;
  std::optional<double> open_fds, max_fds;
};

struct proc_units {
  double ticks_per_second = 100;
  double page_bytes = 4096;
};

// Parses the texts of /proc/self/stat and /proc/stat. Absent for other texts. Pure.
[[nodiscard]] std::optional<process_facts> facts_from(std::string_view self_stat, std::string_view system_stat,
                                                      proc_units units);
// Reads the facts about this process from /proc.
[[nodiscard]] std::optional<process_facts> read_process_facts();

}  // namespace mcpstate::service
