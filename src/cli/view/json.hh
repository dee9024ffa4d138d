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

// One object; its members in the order of the calls.
class json_object {
 public:
  json_object() : members_(text_) {}
  json_object(const json_object&) = delete;
  json_object& operator=(const json_object&) = delete;
  json_object& text(std::string_view name, std::string_view value) { return members_.text(name, value), *this; }
  json_object& number(std::string_view name, std::uint64_t value) { return members_.number(name, value), *this; }
  json_object& boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  json_object& raw(std::string_view name, std::string_view value) { return members_.raw(name, value), *this; }
  // The object, once it has all of its members.
  [[nodiscard]] std::string str() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
  json_members members_;
};

// An array: to_json makes the text of each element.
template <class Range, class ToJson = std::identity>
[[nodiscard]] std::string json_list(const Range& values, ToJson to_json = {}, std::string_view line_end = "") {
  std::string out = "[";
  for (const auto& value : values) out.append(out.size() == 1 ? "" : ",").append(line_end).append(to_json(value));
  return out.append(out.size() == 1 ? "" : line_end) + "]";
}
// The same with one element to a line.
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
