// SPDX-License-Identifier: MIT
#include "mcp/protocol/header_value.hh"

#include <algorithm>

#include "core/text/base64.hh"

namespace mcpstate::mcp {
namespace {

constexpr std::string_view prefix = "=?base64?", suffix = "?=";

bool is_plain(std::string_view text) noexcept {
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
  return visible && !text.starts_with(' ') && !text.ends_with(' ');
}

// True also for =?base64?=, where the two overlap: other programs look at the beginning and at the end.
bool is_marked(std::string_view text) noexcept { return text.starts_with(prefix) && text.ends_with(suffix); }

// Only the text that an encoder writes for these bytes.
std::optional<std::string> from_base64(std::string_view text) {
  std::string url_text(text.substr(0, text.find('=')));
  std::replace(url_text.begin(), url_text.end(), '+', '-');
  std::replace(url_text.begin(), url_text.end(), '/', '_');
  auto out = from_base64url(url_text);
  if (!out || to_base64(*out) != text) return std::nullopt;
  return out;
}

}  // namespace

std::string encode_header_value(std::string_view text) {
  if (is_plain(text) && !is_marked(text)) return std::string(text);
  return std::string(prefix) + to_base64(text) + std::string(suffix);
}

std::optional<std::string> decode_header_value(std::string_view value) {
  if (!is_plain(value)) return std::nullopt;
  if (!is_marked(value)) return std::string(value);
  if (value.size() < prefix.size() + suffix.size()) return std::nullopt;
  const std::string_view inner = value.substr(prefix.size(), value.size() - prefix.size() - suffix.size());
  return from_base64(inner);
}

}  // namespace mcpstate::mcp
