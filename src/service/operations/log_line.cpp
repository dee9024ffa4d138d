// SPDX-License-Identifier: MIT
#include "service/operations/log_line.hh"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/json/text.hh"
#include "core/text/hex.hh"
#include "core/text/printable.hh"
#include "core/text/secrets.hh"
#include "core/text/utf8.hh"

namespace mcpstate::service {

namespace {

std::string_view level_name(log_level level) noexcept {
  constexpr std::array<std::string_view, 5> names{"debug", "info", "warn", "error", "off"};
  return names.at(static_cast<std::size_t>(level));
}

// Whether a UTF-8 character is escaped in the log. Beside what a terminal acts on: characters without width, which make
// different names look equal.
bool must_escape(std::string_view character) noexcept {
  const char32_t c = first_character(character).code_point;
  return acts_on_terminal(c) || (c >= 0x200B && c <= 0x200D);
}

// Appends a JSON string in which everything dangerous is escaped. append_json_string makes the text valid UTF-8 first.
void append_safe_string(std::string& out, std::string_view text) {
  std::string valid;
  append_json_string(valid, text);
  for (std::string_view unread = valid; !unread.empty();) {
    const auto character = unread.substr(0, std::max<std::size_t>(utf8_length(unread), 1));
    unread.remove_prefix(character.size());
    if (!must_escape(character)) {
      out += character;
      continue;
    }
    const auto code = static_cast<unsigned>(first_character(character).code_point);
    out += "\\u";
    append_hex(out, static_cast<unsigned char>(code >> 8U));
    append_hex(out, static_cast<unsigned char>(code & 0xFFU));
  }
}

// Whether a text can stand in a text line without quotes.
bool is_plain(std::string_view text, bool may_have_spaces) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0 || must_escape(text.substr(0, length))) return false;
    const char c = text.front();
    if (c == '"' || c == '\\' || (!may_have_spaces && (c == ' ' || c == '='))) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_text(std::string& out, log_style style, std::string_view text, bool may_have_spaces) {
  if (style == log_style::text && is_plain(text, may_have_spaces)) {
    out += text;
  } else {
    append_safe_string(out, text);
  }
}

template <class Number>
void append_number(std::string& out, Number n) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
  out.append(digits.data(), end);
}

struct value_writer {
  std::string& out;
  log_style style;
  bool secret;
  void write_text(std::string_view text) const {
    append_text(out, style, secret ? hidden_text : without_secrets(text), false);
  }
  void operator()(const std::string& text) const { write_text(text); }
  void operator()(std::string_view text) const { write_text(text); }
  void operator()(bool b) const { out += b ? "true" : "false"; }
  void operator()(std::int64_t n) const { append_number(out, n); }
  void operator()(std::uint64_t n) const { append_number(out, n); }
  void operator()(double d) const {
    if (std::isfinite(d)) return append_number(out, d);
    out += "null";
  }
};

std::string short_hash(std::string_view text) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(), nullptr);
  return to_hex(std::string_view(digest).substr(0, 4));
}

void append_field(std::string& out, log_style style, const log_field& field) {
  if (style == log_style::text) {
    out.append(" ").append(field.key()).append("=");
  } else {
    out.append(",\"").append(field.key()).append("\":");
  }
  const value_writer writer{out, style, names_secret(field.key())};
  std::visit(writer, field.value());
}

}  // namespace

std::string log_name(const owner& account) {
  if (account.kind() == owner_kind::user) return account.text();
  constexpr std::size_t shown = 4;
  const std::string& key = account.id();
  // Four characters of a short key would already be too many.
  std::string start;
  std::string_view unread = key;
  for (std::size_t n = 0; n < shown && key.size() >= 4 * shown; ++n) {
    start += unread.substr(0, utf8_length(unread));
    unread.remove_prefix(utf8_length(unread));
  }
  return "session:" + start + "…#" + short_hash(key);
}

log_field::log_field(std::string_view key, const owner& account) : key_(key), value_(log_name(account)) {}

std::string log_line(log_style style, timestamp time, log_level level, std::string_view message,
                     std::span<const log_field> fields) {
  std::string out;
  if (style == log_style::text) {
    const auto name = level_name(level);
    out.append(to_iso8601(time)).append(" ").append(name).append(6 - name.size(), ' ');
  } else {
    object_writer(out).time("time", time).text("level", level_name(level));
    out += R"(,"message":)";
  }
  append_text(out, style, without_secrets(message), true);
  for (const auto& field : fields) append_field(out, style, field);
  if (style == log_style::json) out += "}";
  return out;
}

}  // namespace mcpstate::service
