// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/connection.hpp>

// Entity tags (RFC 9110, 8.8.3). Pure.
//
// Of one connection: "r7-9f…": its state, a dash, and what distinguishes its bytes (a check or a touch changes those, too).
// "r7" is the revision; "r7x3c…" if another program has changed the record since. If-Match looks at the state alone, so that
// "r" and the revision of the JSON is a tag as well.
namespace mcpstate::service {

[[nodiscard]] std::string state_tag(const connection& c);

// The same in every process of one build, so that their tags are the same too.
[[nodiscard]] std::uint64_t digest_of(std::string_view bytes) noexcept;
// Of bytes, and of others in the midst of them.
[[nodiscard]] std::uint64_t digest_of(std::uint64_t text, const std::vector<std::uint64_t>& within);

// Strong tags, with their quotes.
[[nodiscard]] std::string tag_of(const connection& c, std::uint64_t digest);
[[nodiscard]] std::string tag_of(std::uint64_t digest);

// If-None-Match: whether the tag, with its quotes, is one of those. Weak ones count, as the RFC wants.
[[nodiscard]] bool none_match_hits(std::string_view field, std::string_view tag) noexcept;

// If-Match, against what is there (null: nothing). Weak tags never match.
[[nodiscard]] bool if_match_holds(std::string_view field, const connection* found);

}  // namespace mcpstate::service
