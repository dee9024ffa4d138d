// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

namespace mcpstate::service {

// A file that is part of the program (cmake/mcpstate_embed.cmake). Its data lives as long as the program.
struct asset {
  std::string_view content_type;
  std::string_view bytes;
  std::string_view etag;  // strong, with its quotes; made from the SHA-256 of the bytes
};

}  // namespace mcpstate::service
