// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

// The target of a request taken apart. Pure. All errors are bad_argument and say what is wrong, never what was sent.
namespace mcpstate::service {

inline constexpr std::size_t max_target_bytes = 8 * 1024;
inline constexpr std::size_t max_segments = 12;
inline constexpr std::size_t max_parameters = 16;

// %XX decoded; absent for an escape that is none, and for a NUL.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

struct parsed_target {
  parsed_target() {}
  std::string authority;                                     // of "http://host/…", which proxies send; mostly empty
  std::vector<std::string> segments;                         // of "/a/b%2Fc": "a", "b/c"; of "/": none
  std::vector<std::pair<std::string, std::string>> queries;  // decoded, in their order
};
// Split at the slashes first, decoded then: an encoded slash is data. Segments that are empty, "." or ".." (encoded or not)
// are refused: somebody on the way may read them as another path.
[[nodiscard]] result<parsed_target> parse_target(std::string_view target);

}  // namespace mcpstate::service
