// SPDX-License-Identifier: MIT
#include "mcp/transport/http_pool.hh"

#include <utility>

namespace mcpstate::mcp {

http::pool_options pool_of(http_target server, transport_options options) {
  http::pool_options out;
  out.url = std::move(server.url);
  out.headers = std::move(server.headers);
  out.ca_file = std::move(options.ca_file);
  out.user_agent = std::move(options.user_agent);
  out.egress = std::move(options.egress);
  out.answer_headers.emplace_back(session_header);
  return out;
}

}  // namespace mcpstate::mcp
