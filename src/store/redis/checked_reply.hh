// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis/reply.hh"

// What a reply says, where an error among the replies must not pass for a value: an error reply is an error here, and so is a
// reply of another type than is asked for (protocol). Scans, statistics and doctor read replies in no other way; tools/layers
// looks. `doing` begins the detail of an error ("stats"). Pure.
namespace mcpstate {

// A string, as a part of the reply. A nil reads as an empty text.
[[nodiscard]] result<std::string_view> text_of(const redis::reply& r, std::string_view doing);
[[nodiscard]] result<std::int64_t> number_of(const redis::reply& r, std::string_view doing);
// The strings in an array, a set or a map (key, value, key, …).
[[nodiscard]] result<std::vector<std::string>> texts_of(const redis::reply& r, std::string_view doing);

// One step of SCAN or SSCAN.
struct scanned {
  std::string cursor;  // "0": that was the end
  std::vector<std::string> found;
};
[[nodiscard]] result<scanned> scanned_of(const redis::reply& r, std::string_view doing);

// Whether an error is about this command or key alone: the server refuses it, and still answers others.
[[nodiscard]] bool is_refusal(const error& e) noexcept;

}  // namespace mcpstate
