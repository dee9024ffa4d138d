// SPDX-License-Identifier: MIT
#pragma once
#include <sys/types.h>

#include <cstdint>

// Finds the processes of a program wherever they have gone (ADR 5). Everything here is safe after a fork of a process with
// threads, and in a process that must not allocate: system calls alone.
namespace mcpstate::mcp {

// A number that a program's first process gets before it runs, and that all its descendants inherit, whichever group, session
// or environment they choose. It is their soft limit RLIMIT_RTTIME: over 4 * 10^18 microseconds, so that it limits nothing.
// 0: none.
using program_mark = std::uint64_t;

// The marks of a process that starts programs: `instance` with the number of a program in the lowest bits.
[[nodiscard]] program_mark make_mark(program_mark instance, std::uint64_t number) noexcept;
// A mark with a random instance, and the number 0.
[[nodiscard]] program_mark make_instance_mark();
[[nodiscard]] bool same_instance(program_mark a, program_mark b) noexcept;

// Marks this process. False if the system does not let it: the descendants can then not be found.
bool mark_this_process(program_mark mark) noexcept;
// 0 if there is none, or no such process, or it is another user's.
[[nodiscard]] program_mark mark_of(pid_t pid) noexcept;
// Whether it has ended, and only waits to be reaped by its parent.
[[nodiscard]] bool is_zombie(pid_t pid) noexcept;
// Sends a signal if the process has this mark. The number of a process that has ended is never mistaken for another one.
void signal_marked(pid_t pid, program_mark mark, int signal) noexcept;

// Calls see(context, pid) for every process that /proc shows. False if /proc cannot be read.
bool for_each_process(void (*see)(void* context, pid_t pid), void* context) noexcept;

template <class See>
bool for_each_process(See see) noexcept {
  return for_each_process([](void* context, pid_t pid) { (*static_cast<See*>(context))(pid); }, &see);
}

}  // namespace mcpstate::mcp
