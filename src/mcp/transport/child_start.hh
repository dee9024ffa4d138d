// SPDX-License-Identifier: MIT
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "aio/unique_fd.hh"
#include "mcp/transport/process_mark.hh"

// From fork to exec: what a child process does before it is the program that was wanted (ADR 5). No Asio, no waiting.
namespace mcpstate::mcp {

// What a child is to become. Everything that it needs is made before the fork, because it must not allocate after it.
struct child_plan {
  child_plan() {}
  std::vector<std::string> paths;  // of the program, in the order in which they are tried
  std::vector<std::string> command, environment;
  std::string cwd;                      // empty: that of this process
  aio::unique_fd in, out, err, report;  // the child's ends
};

// What failed between fork and exec. The child sends it through a pipe that exec closes.
struct start_report {
  enum class step : int { directory, search, exec, other } failed = step::other;
  int code = 0;  // errno
};

// Starts a child in a process group of its own, with this mark. It dies with the calling thread. Answers its number, or -1
// with errno.
[[nodiscard]] pid_t fork_child(const child_plan& plan, program_mark mark);

// The paths at which a program may be: itself, or those in the PATH of this environment.
[[nodiscard]] std::vector<std::string> paths_of(const std::string& program, const std::vector<std::string>& environment);

}  // namespace mcpstate::mcp
