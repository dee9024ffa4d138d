// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>

namespace mcpstate {

// When a managed connection is checked, and when a failed one is tried again. Part of manager_options. A value.
struct connection_schedule {
  connection_schedule() {}

  // How long a session may be quiet before the server is asked whether it is still there (ping). Each wait varies by a
  // tenth, so that the checks of many connections spread. A call that is answered counts as a check.
  // Default: 30 s. Range: over 0; `mcpstate serve` takes 100 ms and more.
  std::chrono::milliseconds check_every = std::chrono::seconds(30);

  // The longest wait before the first retry of a connection that has failed. It doubles with every failure in a row. The
  // actual wait is a random part of it (full jitter), so that connections that failed together do not come back together.
  // Default: 1 s. Range: over 0, at most last_retry.
  std::chrono::milliseconds first_retry = std::chrono::seconds(1);

  // The longest wait before any retry. It also bounds a retry time that another process has written into the record.
  // Default: 5 min. Range: first_retry and more.
  std::chrono::milliseconds last_retry = std::chrono::minutes(5);
};

}  // namespace mcpstate
