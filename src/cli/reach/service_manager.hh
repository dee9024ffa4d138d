// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace mcpstate::cli {

// Tells systemd how this process is: lines such as "READY=1" and "STATUS=…", to the socket that $NOTIFY_SOCKET names
// (sd_notify, Type=notify). Nothing happens where there is no such socket or nobody reads it. Never blocks.
void notify_service_manager(const std::string& lines) noexcept;

}  // namespace mcpstate::cli
