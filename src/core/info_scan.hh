// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include <mcpstate/core/record.hpp>

namespace mcpstate {

// Reads :info where it is spelled exactly as encode_info spells it, in one pass and without building a document: a list of
// an owner decodes one of these per record, and that must not cost more than receiving it. Absent means only "not so simple"
// (other order, escapes, non-ASCII, an error member): decode_info then asks Boost.JSON, and both always agree.
[[nodiscard]] std::optional<info_record> scan_info(std::string_view bytes);

// 9999-12-31 in milliseconds; more does not fit a timestamp's text.
inline constexpr std::uint64_t max_info_millis = 253'402'300'799'999;

// Whether the three members that scripts read stand where they belong, the revision as a number that scripts keep exactly.
// Where they do not, a script sees no revision, and neither may we: a write could never meet its basis.
[[nodiscard]] bool has_info_head(std::string_view bytes) noexcept;

}  // namespace mcpstate
