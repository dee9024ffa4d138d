// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

// Parses the target of a request: path and query. Pure. All errors are bad_argument. They say what is wrong and never repeat
// what was sent.
namespace mcpstate::service {

inline constexpr std::size_t max_target_bytes = 8 * 1024;
inline constexpr std::size_t max_segments = 12;
inline constexpr std::size_t max_parameters = 16;

// The text with each %XX decoded. Absent for an invalid escape and for a NUL.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

struct parsed_target {
  parsed_target() {}
  std::string authority;              // "host" in "http://host/…", which proxies send; mostly empty
  std::vector<std::string> segments;  // "a", "b/c" for "/a/b%2Fc"; none for "/"
  std::vector<std::pair<std::string, std::string>> parameters;  // of the query: decoded, in the order of the query
};
// The path is split at its slashes before it is decoded, so an encoded slash is data. Segments that are empty, "." or ".."
// (encoded or not) are refused, because a proxy may read them as another path.
[[nodiscard]] result<parsed_target> parse_target(std::string_view target);

}  // namespace mcpstate::service
