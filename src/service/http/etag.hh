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
// The tag of a connection is "r7-9f…": the tag of its state, a dash, and a digest of the version and the view: of the JSON
// without tools, and of the digests of the tools that go with it. Digests are made of SHA-256, so that nobody who chooses names
// or tools can make two versions look alike, and tags are equal in all processes. A check or a
// touch changes the bytes and not the state. The tag of the state is "r7", where 7 is the revision, or "r7x3c…" when another
// program has changed the record since that revision. If-Match compares the state alone, so "r" and the revision in the JSON
// form a valid tag as well.
namespace mcpstate::service {

[[nodiscard]] std::string state_tag(const connection& c);

// 32 hexadecimal digits.
[[nodiscard]] std::string digest_of(std::string_view bytes);
// The digest of a text with inserts, from the text and the digests of the inserts.
[[nodiscard]] std::string digest_of(std::string_view text, const std::vector<std::string>& inserts);

// Strong tags, with their quotes.
[[nodiscard]] std::string etag_of(const connection& c, std::string_view digest);
[[nodiscard]] std::string etag_of(std::string_view digest);

// Whether the If-None-Match field lists this tag (with its quotes). Weak tags match too, as the RFC asks.
[[nodiscard]] bool if_none_match_lists(std::string_view field, std::string_view tag) noexcept;

// Whether the If-Match field lists the state of what was found (null: nothing was found). Weak tags never match.
[[nodiscard]] bool if_match_lists(std::string_view field, const connection* found);

}  // namespace mcpstate::service
