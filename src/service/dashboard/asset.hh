// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

namespace mcpstate::service {

// A file inside the program (cmake/mcpstate_embed.cmake). Everything lives as long as the program.
struct asset {
  std::string_view content_type;
  std::string_view bytes;
  std::string_view etag;  // strong, quotes included: from the SHA-256 of the bytes
};

}  // namespace mcpstate::service
