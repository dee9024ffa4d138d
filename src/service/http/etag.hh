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
// The tag of a connection is "r7-9f…": the tag of its state, a dash, and a digest of the bytes of the response. A check or a
// touch changes the bytes and not the state. The tag of the state is "r7", where 7 is the revision, or "r7x3c…" when another
// program has changed the record since that revision. If-Match compares the state alone, so "r" and the revision in the JSON
// form a valid tag as well.
namespace mcpstate::service {

[[nodiscard]] std::string state_tag(const connection& c);

// A digest that is equal in all processes of one build, so that their tags are equal too.
[[nodiscard]] std::uint64_t digest_of(std::string_view bytes) noexcept;
// The digest of a text with inserts, from the digest of the text and those of the inserts.
[[nodiscard]] std::uint64_t digest_of(std::uint64_t text, const std::vector<std::uint64_t>& inserts);

// Strong tags, with their quotes.
[[nodiscard]] std::string etag_of(const connection& c, std::uint64_t digest);
[[nodiscard]] std::string etag_of(std::uint64_t digest);

// Whether the If-None-Match field lists this tag (with its quotes). Weak tags match too, as the RFC asks.
[[nodiscard]] bool if_none_match_lists(std::string_view field, std::string_view tag) noexcept;

// Whether the If-Match field lists the state of what was found (null: nothing was found). Weak tags never match.
[[nodiscard]] bool if_match_lists(std::string_view field, const connection* found);

}  // namespace mcpstate::service
