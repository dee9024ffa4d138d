// SPDX-License-Identifier: MIT
#include "core/text/printable.hh"

#include "core/text/hex.hh"
#include "core/text/utf8.hh"

namespace mcpstate {

namespace {

void append_byte_escape(std::string& out, char32_t byte) {
  out += "\\x";
  append_hex(out, static_cast<unsigned char>(byte));
}

// Every character that acts on a terminal has at most 16 bits.
void append_escape(std::string& out, char32_t code_point) {
  if (code_point == '\n') {
    out += "\\n";
  } else if (code_point == '\t') {
    out += "\\t";
  } else if (code_point == '\r') {
    out += "\\r";
  } else if (code_point < 0x80) {
    append_byte_escape(out, code_point);
  } else {
    out += "\\u";
    append_hex(out, static_cast<unsigned char>(code_point >> 8));
    append_hex(out, static_cast<unsigned char>(code_point & 0xff));
  }
}

}  // namespace

bool acts_on_terminal(char32_t c) noexcept {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool separator = c == 0x2028 || c == 0x2029;
  const bool direction =
      c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return control || separator || direction || c == 0xfeff;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto c = first_character(text);
    if (!c.valid) {
      append_byte_escape(out, static_cast<unsigned char>(text[0]));
    } else if (acts_on_terminal(c.code_point)) {
      append_escape(out, c.code_point);
    } else {
      out += text.substr(0, c.length);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

}  // namespace mcpstate
