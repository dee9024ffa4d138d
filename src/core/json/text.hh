// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/time.hpp>

// JSON as text: checking it without building it, and writing it.
namespace mcpstate {

struct json_check {
  bool ok = false;
  std::size_t elements = 0;  // of the outermost array or object
  std::size_t offset = 0;    // of the byte that is wrong
  std::string fault;         // "syntax error"; empty when ok
};
enum class json_shape { array, object };
// Exactly one JSON text of this shape, valid UTF-8, at most max_depth levels deep, with at most max_values values in it. One pass;
// allocates nothing that grows with the input.
[[nodiscard]] json_check check_json(std::string_view bytes, json_shape shape, std::size_t max_depth,
                                    std::size_t max_values = static_cast<std::size_t>(-1));

// The text of a JSON string with its quotes; absent if it is none. Nothing is built but the text.
[[nodiscard]] std::optional<std::string> read_json_string(std::string_view raw);

// Appends text as a JSON string; bytes that are not UTF-8 become U+FFFD, so that the result is always valid.
void append_json_string(std::string& out, std::string_view text);
// ["a","b"]
[[nodiscard]] std::string json_array(const std::vector<std::string>& texts);

// An array: to_json makes the text of each element.
template <class Range, class ToJson = std::identity>
[[nodiscard]] std::string json_list(const Range& values, ToJson to_json = {}, std::string_view line_end = "") {
  std::string out = "[";
  for (const auto& value : values) out.append(out.size() == 1 ? "" : ",").append(line_end).append(to_json(value));
  return out.append(out.size() == 1 ? "" : line_end) + "]";
}

// Writes one JSON object, member by member in the order of the calls. Without a text it writes one of its own, which str()
// hands out:
//
//     return object_writer().text("server", name).number("attempt", 2).str();
//
// With a text it writes at the end of that, which must outlive the writer:
//
//     object_writer answer(body);
//     object_writer why = answer.object("error");  // nothing goes to `answer` until `why` is closed
//     why.number("attempt", 2).close();
//     answer.close();
//
// Names are written as they are: they are words of ours, never input.
class object_writer {
 public:
  object_writer() : out_(own_) { out_ += '{'; }
  // Appends the opening brace.
  explicit object_writer(std::string& out);
  object_writer(const object_writer&) = delete;
  object_writer& operator=(const object_writer&) = delete;

  // Appends the closing brace. Called once; nothing is written after it.
  void close();
  // Closes the object. The text of a writer that has its own.
  [[nodiscard]] std::string str();
  [[nodiscard]] bool empty() const noexcept { return first_; }

  object_writer& text(std::string_view name, std::string_view value);
  object_writer& number(std::string_view name, std::uint64_t value);
  object_writer& boolean(std::string_view name, bool value);
  object_writer& time(std::string_view name, timestamp value);  // ISO 8601
  // value is JSON, and appended as it is.
  object_writer& raw(std::string_view name, std::string_view value);
  // A member that is an object of its own.
  [[nodiscard]] object_writer object(std::string_view name);

  // Absent values leave their member out.
  object_writer& number(std::string_view name, const std::optional<std::uint64_t>& value);
  object_writer& time(std::string_view name, const std::optional<timestamp>& value);

 private:
  void begin(std::string_view name);
  std::string own_;
  std::string& out_;
  bool first_ = true;
};

}  // namespace mcpstate
