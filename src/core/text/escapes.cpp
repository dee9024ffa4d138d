// SPDX-License-Identifier: MIT
#include "core/text/escapes.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/text/hex.hh"

namespace mcpstate {

namespace {

constexpr std::size_t longest_entity = 12;  // "&#x0010ffff;"

std::string utf8_of(std::uint32_t code) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0 | code >> 6), byte(0x80 | (code & 0x3f))};
  if (code < 0x10000) return {byte(0xe0 | code >> 12), byte(0x80 | (code >> 6 & 0x3f)), byte(0x80 | (code & 0x3f))};
  return {byte(0xf0 | (code >> 18 & 0x7)), byte(0x80 | (code >> 12 & 0x3f)), byte(0x80 | (code >> 6 & 0x3f)),
          byte(0x80 | (code & 0x3f))};
}

// The digits of so many bytes; absent if there are others or too few.
std::optional<std::uint32_t> hex_number(std::string_view text, std::size_t digits) noexcept {
  if (text.size() < digits) return std::nullopt;
  std::uint32_t out = 0;
  for (const char digit : text.substr(0, digits)) {
    const auto value = hex_value(digit);
    if (!value) return std::nullopt;
    out = out << 4 | *value;
  }
  return out;
}

unescaped read_percent(std::string_view text) {
  const auto byte = hex_number(text.substr(1), 2);
  if (!byte) return {};
  return {3, {static_cast<char>(static_cast<unsigned char>(*byte))}};
}

unescaped read_unicode(std::string_view text) {
  const auto first = hex_number(text.substr(2), 4);
  if (!first) return {};
  const bool is_pair = *first >= 0xd800 && *first < 0xdc00 && text.substr(6).starts_with("\\u");
  const auto second = is_pair ? hex_number(text.substr(8), 4) : std::nullopt;
  if (second && *second >= 0xdc00 && *second < 0xe000)
    return {12, utf8_of(0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00))};
  return {6, utf8_of(*first)};
}

unescaped read_backslash(std::string_view text) {
  if (text.size() < 2) return {};
  if (text[1] == 'u') return read_unicode(text);
  if (text[1] == 'x') {
    const auto byte = hex_number(text.substr(2), 2);
    return byte ? unescaped{4, {static_cast<char>(static_cast<unsigned char>(*byte))}} : unescaped{};
  }
  constexpr std::string_view letters = "\"\\/'bfnrt", meanings = "\"\\/'\b\f\n\r\t";
  const auto which = letters.find(text[1]);
  return which == std::string_view::npos ? unescaped{} : unescaped{2, {meanings[which]}};
}

std::optional<std::uint32_t> numbered_entity(std::string_view name) noexcept {
  name.remove_prefix(1);
  if (name.starts_with('x') || name.starts_with('X')) return hex_number(name.substr(1), std::max<std::size_t>(name.size() - 1, 1));
  std::uint32_t out = 0;
  for (const char digit : name) {
    if (digit < '0' || digit > '9') return std::nullopt;
    out = out * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return name.empty() ? std::nullopt : std::optional(out);
}

unescaped read_entity(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> named{
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
  const auto end = text.substr(0, longest_entity).find(';');
  if (end == std::string_view::npos || end < 3) return {};
  const auto name = text.substr(1, end - 1);
  if (name.front() == '#') {
    const auto code = numbered_entity(name);
    return code && *code > 0 && *code < 0x110000 ? unescaped{end + 1, utf8_of(*code)} : unescaped{};
  }
  for (const auto& [word, meaning] : named) {
    if (name == word) return {end + 1, {meaning}};
  }
  return {};
}

}  // namespace

unescaped read_escape(std::string_view text) {
  switch (text.front()) {
    case '%':
      return read_percent(text);
    case '\\':
      return read_backslash(text);
    case '&':
      return read_entity(text);
    default:
      return {};
  }
}

}  // namespace mcpstate
