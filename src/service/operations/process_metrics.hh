// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What every Prometheus client says about its process, under the names that they all use.
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

// From the texts of /proc/self/stat and /proc/stat; absent if they are none. Pure.
[[nodiscard]] std::optional<process_facts> facts_from(std::string_view self_stat, std::string_view system_stat,
                                                      proc_units units);
// Of this process, now.
[[nodiscard]] std::optional<process_facts> read_process_facts();

}  // namespace mcpstate::service
