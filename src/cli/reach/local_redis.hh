// SPDX-License-Identifier: MIT
#pragma once
#include "cli/reach/run.hh"

namespace mcpstate::cli {

// When no store is configured and a Redis answers on localhost:6379, says so: once, remembered by a file beside the embedded
// store. An application next door may keep its state there, and the embedded store would look empty for no visible reason.
asio::awaitable<void> mention_local_redis(context& ctx);

}  // namespace mcpstate::cli
