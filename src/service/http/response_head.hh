// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

#include "service/http/message.hh"

namespace mcpstate::service {

struct head_options {
  head_options() {}
  bool keep_alive = true;  // another request may follow
  bool http_1_0 = false;   // the client speaks HTTP/1.0
  std::string_view request_id, cors_origin;
};

// The status line and the header fields of a response, up to and including the empty line. An event stream has no
// Content-Length: it ends with the connection. Reads the clock.
[[nodiscard]] std::string response_head(const http_response& response, const head_options& options);

// "Sun, 06 Nov 1994 08:49:37 GMT"
[[nodiscard]] std::string http_date(std::int64_t unix_seconds);

}  // namespace mcpstate::service
