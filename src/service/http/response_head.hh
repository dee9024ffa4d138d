// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

#include "service/http/message.hh"

namespace mcpstate::service {

struct head_facts {
  head_facts() {}
  bool keep = true;         // another request may follow
  bool old_client = false;  // HTTP/1.0
  bool head_only = false;   // the answer to HEAD
  std::string_view request_id, cors_origin;
};

// The status line and the fields of an answer, to the empty line. Of an event stream no length is said: it ends with the
// connection. Reads the clock.
[[nodiscard]] std::string response_head(const http_response& what, const head_facts& facts);

// "Sun, 06 Nov 1994 08:49:37 GMT"
[[nodiscard]] std::string http_date(std::int64_t unix_seconds);

}  // namespace mcpstate::service
