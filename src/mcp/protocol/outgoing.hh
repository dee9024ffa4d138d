// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "http/headers.hh"

namespace mcpstate::mcp {

// A message to send.
struct outgoing {
  outgoing() {}
  outgoing(std::string text_, std::uint64_t id_) : text(std::move(text_)), id(id_) {}
  std::string text;
  std::uint64_t id = 0;       // 0: no answer is expected
  std::string method;         // of requests
  std::string version;        // modern era: as in the message; HTTP repeats it in a header
  http::header_list headers;  // modern era: what else HTTP repeats
};

}  // namespace mcpstate::mcp
