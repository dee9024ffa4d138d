// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

// How ids and names are written inside Redis keys and set members.
//
// The bytes  : % { } * ? [ ] \  and the control bytes 0x00–0x1F and 0x7F are written as %XX with upper-case digits. Every
// other byte stays as it is, so plain names read as other programs write them. No two names have the same encoding, a
// decoded name encodes to the same bytes again, and no name can hold a separator, a pattern or a hash tag.
//
// All functions are pure, safe from any thread, and throw only std::bad_alloc.
namespace mcpstate {

[[nodiscard]] std::string encode_name(std::string_view raw);
// Exactly what encode_name can produce; anything else (a raw ':', "%41", a lone '%') is absent.
[[nodiscard]] std::optional<std::string> decode_name(std::string_view encoded);

// The name to show for a set member.
struct member_name {
  std::string text;
  // The member is no encoding of ours: another program wrote it. It is shown as it is, reported, and never removed.
  bool foreign = false;
};
[[nodiscard]] member_name name_of_member(std::string_view member);

}  // namespace mcpstate
