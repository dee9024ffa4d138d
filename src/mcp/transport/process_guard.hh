// SPDX-License-Identifier: MIT
#pragma once
#include <sys/types.h>

#include "aio/unique_fd.hh"
#include "mcp/transport/process_mark.hh"

namespace mcpstate::mcp {

// Starts a process that waits until this one is gone and then kills every process with a mark of this instance. It lives in
// a session of its own and ignores all signals but SIGKILL. `alive`: set to a descriptor that this process keeps open; to
// close it is to be gone. Answers the number of the guard, or -1 with errno.
[[nodiscard]] pid_t fork_guard(program_mark instance, aio::unique_fd& alive) noexcept;

}  // namespace mcpstate::mcp
