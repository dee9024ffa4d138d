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
// levels deep.
[[nodiscard]] std::optional<std::string> validate_json(std::string_view text);

enum class json_kind { object, array, string, number, boolean, null };
[[nodiscard]] json_kind kind_of(std::string_view value) noexcept;

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

// A JSON string with its quotes.
[[nodiscard]] std::string quote_json(std::string_view text);

}  // namespace mcpstate::mcp
