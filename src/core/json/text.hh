// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// JSON as text: checking it without building it, and appending to it.
namespace mcpstate {

struct json_check {
  bool ok = false;
  std::size_t elements = 0;  // of the outermost array or object
  std::size_t at = 0;        // byte at which it went wrong
  std::string fault;         // "syntax error"; empty when ok
};
enum class json_shape { array, object };
// Exactly one JSON text of this shape, valid UTF-8, at most max_depth levels deep. One pass; allocates nothing that grows
// with the input.
[[nodiscard]] json_check check_json(std::string_view bytes, json_shape shape, std::size_t max_depth);

// Appends text as a JSON string; bytes that are not UTF-8 become U+FFFD, so that the result is always valid.
void append_json_string(std::string& out, std::string_view text);
// ["a","b"]
[[nodiscard]] std::string json_array(const std::vector<std::string>& texts);

// Appends the members of one JSON object, in the order of the calls. raw values are appended as they are.
class json_members {
 public:
  explicit json_members(std::string& out, bool first = true) : out_(out), first_(first) {}
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::uint64_t value);
  void raw(std::string_view name, std::string_view value);

 private:
  void begin(std::string_view name);
  std::string& out_;
  bool first_;
};

}  // namespace mcpstate
