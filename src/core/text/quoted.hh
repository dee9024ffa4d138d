// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

// Foreign bytes made fit for one line of text.
namespace mcpstate {

// 'up': at most 60 bytes of it, control bytes, backslashes, quotes and invalid UTF-8 as \xNN; what is left out shows as ….
[[nodiscard]] std::string quoted(std::string_view bytes);

}  // namespace mcpstate
