// SPDX-License-Identifier: MIT
#include "mcp/json_slice.hh"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "core/json_text.hh"

namespace mcpstate::mcp {
namespace {

namespace json = boost::json;

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Walks over a text; never past its end.
struct cursor {
  std::string_view text;
  std::size_t at = 0;

  bool done() const noexcept { return at >= text.size(); }
  char peek() const noexcept { return done() ? '\0' : text[at]; }
  void skip_space() noexcept {
    while (!done() && is_space(text[at])) ++at;
  }
  // Past ',' or ':' and the space around it.
  void skip_punctuation(char mark) noexcept {
    skip_space();
    if (peek() == mark) ++at;
    skip_space();
  }
  std::string_view take_string() noexcept {
    const std::size_t from = at++;
    while (!done() && text[at] != '"') at += text[at] == '\\' ? 2U : 1U;
    at = at < text.size() ? at + 1 : text.size();
    return text.substr(from, at - from);
  }
  std::string_view take_container() noexcept {
    const std::size_t from = at;
    std::size_t depth = 0;
    while (!done()) {
      const char c = text[at];
      if (c == '"') {
        take_string();
        continue;
      }
      ++at;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) break;
    }
    return text.substr(from, at - from);
  }
  std::string_view take_scalar() noexcept {
    const std::size_t from = at;
    while (!done() && text[at] != ',' && text[at] != '}' && text[at] != ']' && !is_space(text[at])) ++at;
    return text.substr(from, at - from);
  }
  std::string_view take_value() noexcept {
    const char c = peek();
    if (c == '"') return take_string();
    if (c == '{' || c == '[') return take_container();
    return take_scalar();
  }
};

// At the first item of a container, or at its end.
cursor inside(std::string_view container) noexcept {
  cursor walk{container};
  walk.skip_space();
  ++walk.at;
  walk.skip_space();
  return walk;
}

bool names(std::string_view raw_key, std::string_view name) {
  if (raw_key.find('\\') == std::string_view::npos)
    return raw_key.size() >= 2 && raw_key.substr(1, raw_key.size() - 2) == name;
  return text_of(raw_key) == name;
}

}  // namespace

std::optional<std::string> validate_json(std::string_view text) {
  constexpr std::size_t max_depth = 64;
  const bool array = kind_of(text) == json_kind::array;
  const json_check checked = check_json(text, array ? json_shape::array : json_shape::object, max_depth);
  if (checked.ok) return std::nullopt;
  return checked.fault + " at byte " + std::to_string(checked.at);
}

json_kind kind_of(std::string_view value) noexcept {
  cursor walk{value};
  walk.skip_space();
  switch (walk.peek()) {
    case '{':
      return json_kind::object;
    case '[':
      return json_kind::array;
    case '"':
      return json_kind::string;
    case 't':
    case 'f':
      return json_kind::boolean;
    case 'n':
      return json_kind::null;
    default:
      return json_kind::number;
  }
}

std::vector<json_member> members_of(std::string_view object) {
  std::vector<json_member> out;
  for (cursor walk = inside(object); walk.peek() == '"'; walk.skip_punctuation(',')) {
    json_member member;
    member.key = walk.take_string();
    walk.skip_punctuation(':');
    member.value = walk.take_value();
    out.push_back(member);
  }
  return out;
}

std::vector<std::string_view> elements_of(std::string_view array) {
  std::vector<std::string_view> out;
  cursor walk = inside(array);
  while (!walk.done() && walk.peek() != ']') {
    const std::size_t before = walk.at;
    out.push_back(walk.take_value());
    walk.skip_punctuation(',');
    if (walk.at == before) break;  // not JSON
  }
  return out;
}

std::optional<std::string_view> find_member(std::string_view object, std::string_view name) {
  std::optional<std::string_view> found;
  for (cursor walk = inside(object); walk.peek() == '"'; walk.skip_punctuation(',')) {
    const std::string_view key = walk.take_string();
    walk.skip_punctuation(':');
    const std::string_view value = walk.take_value();
    if (names(key, name)) found = value;
  }
  return found;
}

std::optional<std::string> text_of(std::string_view value) {
  if (value.size() < 2 || value.front() != '"') return std::nullopt;
  if (value.find('\\') == std::string_view::npos) return std::string(value.substr(1, value.size() - 2));
  json::error_code ec;
  const json::value parsed = json::parse(json::string_view(value.data(), value.size()), ec);
  if (ec || !parsed.is_string()) return std::nullopt;
  return std::string(parsed.get_string().data(), parsed.get_string().size());
}

std::string text_member(std::string_view object, std::string_view name) {
  const auto value = find_member(object, name);
  return value ? text_of(*value).value_or(std::string()) : std::string();
}

std::string quote_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace mcpstate::mcp
