// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// How far something long has come, in one line. Pure.
namespace mcpstate::cli {

// "restoring [#####---------------]  25 %  12500 of 50000 records, 15200/s, 3 s left"; without a total "restoring 12500 records,
// 15200/s". elapsed: since it began; the rate is that of all of it.
[[nodiscard]] std::string rate_text(std::string_view doing, std::uint64_t done, std::optional<std::uint64_t> total,
                                    std::string_view unit, std::chrono::steady_clock::duration elapsed);

}  // namespace mcpstate::cli
