// SPDX-License-Identifier: MIT
#include "mcp/protocol/header_value.hh"

#include <openssl/evp.h>

#include <algorithm>

namespace mcpstate::mcp {
namespace {

constexpr std::string_view prefix = "=?base64?", suffix = "?=";

// OpenSSL takes its lengths as int: whole groups, piece by piece.
constexpr std::size_t piece = 3U << 20U, encoded_piece = piece / 3 * 4;

bool is_plain(std::string_view text) noexcept {
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
  return visible && !text.starts_with(' ') && !text.ends_with(' ');
}

// Also =?base64?=, where the two overlap: others look at the beginning and at the end.
bool is_marked(std::string_view text) noexcept { return text.starts_with(prefix) && text.ends_with(suffix); }

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* room_in(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string to_base64(std::string_view bytes) {
  std::string out, group;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    const std::string_view part = bytes.substr(0, piece);
    group.resize((part.size() + 2) / 3 * 4 + 1);  // it writes a NUL behind
    const int length = EVP_EncodeBlock(room_in(group), bytes_of(part), static_cast<int>(part.size()));
    out.append(group, 0, static_cast<std::size_t>(length));
  }
  return out;
}

// Lenient, as OpenSSL is: the caller encodes again and compares.
std::string from_base64(std::string_view text) {
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string out, group;
  for (; !text.empty(); text.remove_prefix(std::min(encoded_piece, text.size()))) {
    const std::string_view part = text.substr(0, encoded_piece);
    group.resize(part.size() / 4 * 3 + 3);
    const int length = EVP_DecodeBlock(room_in(group), bytes_of(part), static_cast<int>(part.size()));
    if (length > 0) out.append(group, 0, static_cast<std::size_t>(length));
  }
  out.resize(out.size() - std::min(padding, out.size()));
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
  std::string out = from_base64(inner);
  if (to_base64(out) != inner) return std::nullopt;
  return out;
}

}  // namespace mcpstate::mcp
