// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json/slice.hh"
#include "core/json/text.hh"

// JSON as commands print it, and the members of JSON that others sent. Pure.
namespace mcpstate::cli {

// An array with one element to a line.
template <class Range, class ToJson = std::identity>
[[nodiscard]] std::string json_lines(const Range& values, ToJson to_json = {}) {
  return json_list(values, to_json, "\n");
}

// The member of that name if it is an object; absent otherwise.
[[nodiscard]] inline std::optional<std::string_view> object_member(std::string_view object, std::string_view name) {
  const auto value = mcp::find_member(object, name);
  return value && mcp::kind_of(*value) == mcp::json_kind::object ? value : std::nullopt;
}
// The elements of the member of that name; none if it is no array.
[[nodiscard]] inline std::vector<std::string_view> array_member(std::string_view object, std::string_view name) {
  const auto value = mcp::find_member(object, name);
  if (!value || mcp::kind_of(*value) != mcp::json_kind::array) return {};
  return mcp::elements_of(*value);
}

}  // namespace mcpstate::cli
