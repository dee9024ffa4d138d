// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
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
  std::size_t at = 0;        // byte at which it went wrong
  std::string fault;         // "syntax error"; empty when ok
};
enum class json_shape { array, object };
// Exactly one JSON text of this shape, valid UTF-8, at most max_depth levels deep. One pass; allocates nothing that grows
// with the input.
[[nodiscard]] json_check check_json(std::string_view bytes, json_shape shape, std::size_t max_depth);

// The text of a JSON string with its quotes; absent if it is none. Nothing is built but the text.
[[nodiscard]] std::optional<std::string> read_json_string(std::string_view raw);

// Appends text as a JSON string; bytes that are not UTF-8 become U+FFFD, so that the result is always valid.
void append_json_string(std::string& out, std::string_view text);
// ["a","b"]
[[nodiscard]] std::string json_array(const std::vector<std::string>& texts);

// Writes one JSON object at the end of a text, member by member in the order of the calls:
//
//     object_writer answer(body);
//     answer.text("server", name);
//     object_writer why = answer.object("error");  // nothing goes to `answer` until `why` is closed
//     why.number("attempt", 2);
//     why.close();
//     answer.close();
//
// The text must outlive the writer. Names are written as they are: they are words of ours, never input.
class object_writer {
 public:
  // Appends the opening brace.
  explicit object_writer(std::string& out);
  // Appends the closing brace. Called once; nothing is written after it.
  void close();
  [[nodiscard]] bool empty() const noexcept { return first_; }

  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::uint64_t value);
  void boolean(std::string_view name, bool value);
  void time(std::string_view name, timestamp value);  // ISO 8601
  // value is JSON, and appended as it is.
  void raw(std::string_view name, std::string_view value);
  // A member that is an object of its own.
  [[nodiscard]] object_writer object(std::string_view name);

  // Absent values leave their member out.
  void number(std::string_view name, const std::optional<std::uint64_t>& value);
  void time(std::string_view name, const std::optional<timestamp>& value);

 protected:
  object_writer(std::string& out, bool first) : out_(out), first_(first) {}

 private:
  void begin(std::string_view name);
  std::string& out_;
  bool first_ = true;
};

// The members alone, for callers that write the braces themselves.
class json_members : public object_writer {
 public:
  explicit json_members(std::string& out, bool first = true) : object_writer(out, first) {}
};

}  // namespace mcpstate
