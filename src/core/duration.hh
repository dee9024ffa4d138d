// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <string_view>

#include <mcpstate/core/error.hpp>

namespace mcpstate {

// Times as people write them.
// "24h", "90m", "30s", "500ms", "7d", and sums of them ("1h30m"). A number needs its unit; at most 10 years.
// Anything else is bad_argument, which names `what` ("--ttl").
[[nodiscard]] result<std::chrono::milliseconds> parse_duration(std::string_view text, std::string_view name);

}  // namespace mcpstate
