// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "service/http/message.hh"
#include "service/operations/log.hh"

namespace mcpstate::service {

// A request and its response, as the access log shows them. The pattern of the route is shown and not the path, which may
// hold a session key; whom and what it names stands beside it, as in the other lines of the log.
struct access_record {
  access_record() {}
  http_method method = http_method::other;
  std::string_view pattern;
  unsigned status = 0;
  std::chrono::microseconds duration{};
  std::string_view request_id;
  const mcpstate::owner* owner = nullptr;  // of a request that was allowed, if its path names one
  const server_name* server = nullptr;
  std::string_view cause;  // of a 5xx
};

// Writes one line "request": as a warning for a 5xx, as debug for a read, else as info.
void log_access(log& out, const access_record& record);

}  // namespace mcpstate::service
