// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The raw extent of values inside a JSON text, so that what a server sent is kept byte for byte. Pure.
//
// Everything but validate_json expects text that validate_json accepted; on other text the answers are meaningless, but no
// byte outside of it is read. Views point into the text given.
namespace mcpstate::mcp {

// What is wrong with a JSON text ("syntax error at byte 17"), or nothing: one object or array, valid UTF-8, at most 64
// levels deep, with at most 1,000,000 values.
[[nodiscard]] std::optional<std::string> validate_json(std::string_view text);

enum class json_kind { object, array, string, number, boolean, null };
[[nodiscard]] json_kind kind_of(std::string_view value) noexcept;

// Goes over a text once, from front to back, so that reading it takes linear time however wide or deep it is. It stands at a
// value, which is taken whole or, when it is a container, entered:
//
//     for (bool more = walk.enter(); more; more = walk.next()) {
//       const std::string_view key = walk.take_key();  // in objects
//       const std::string_view value = walk.take();    // or a loop like this one over what is in it
//     }
class json_walk {
 public:
  explicit json_walk(std::string_view text) noexcept;

  [[nodiscard]] json_kind kind() const noexcept;  // of the value it stands at
  // The value, raw; it stands behind it then.
  std::string_view take() noexcept;
  // At the first item of the container; false when there is none, and it stands behind the container.
  bool enter() noexcept;
  // The raw key, with its quotes, of the member it stands at; it stands at the member's value then.
  std::string_view take_key() noexcept;
  // At the next item of the container; false when that was the last, and it stands behind the container.
  bool next() noexcept;
  // How many bytes it has gone over. Never gets smaller: no byte is read twice.
  [[nodiscard]] std::size_t position() const noexcept { return at_; }

 private:
  [[nodiscard]] bool done() const noexcept { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const noexcept { return done() ? '\0' : text_[at_]; }
  void skip_space() noexcept;
  void skip_string() noexcept;
  void skip_container() noexcept;
  void skip_scalar() noexcept;

  std::string_view text_;
  std::size_t at_ = 0;
};

struct json_member {
  std::string_view key;    // raw, with its quotes
  std::string_view value;  // raw, without space around it
};
[[nodiscard]] std::vector<json_member> members_of(std::string_view object);
[[nodiscard]] std::vector<std::string_view> elements_of(std::string_view array);

// The value of a member, whichever way its name is spelled ("n\u0061me"). Of equal names the last counts, as in JavaScript.
[[nodiscard]] std::optional<std::string_view> find_member(std::string_view object, std::string_view name);
// The text of a string value; absent if it is none.
[[nodiscard]] std::optional<std::string> text_of(std::string_view value);
// find_member, then text_of; empty when absent or not a string.
[[nodiscard]] std::string text_member(std::string_view object, std::string_view name);

// The number of a value, as JavaScript reads it: the nearest double. Absent if it is none, or too large for one.
[[nodiscard]] std::optional<double> number_of(std::string_view value);

// A JSON string with its quotes.
[[nodiscard]] std::string quote_json(std::string_view text);

}  // namespace mcpstate::mcp
