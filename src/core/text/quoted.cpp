// SPDX-License-Identifier: MIT
#include "core/text/quoted.hh"

#include "core/text/hex.hh"
#include "core/text/utf8.hh"

namespace mcpstate {
namespace {

constexpr std::size_t shown_bytes = 60;

bool plain(unsigned char byte) noexcept { return byte >= 0x20 && byte != 0x7f && byte != '\'' && byte != '\\'; }

}  // namespace

std::string quoted(std::string_view bytes) {
  std::string out = "'";
  std::size_t done = 0;
  while (done < bytes.size() && done < shown_bytes) {
    const std::string_view rest = bytes.substr(done);
    const std::size_t length = utf8_length(rest);
    if (length > 1 || (length == 1 && plain(static_cast<unsigned char>(rest[0])))) {
      out += rest.substr(0, length);
    } else {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(rest[0]));
    }
    done += length == 0 ? 1 : length;
  }
  out += done < bytes.size() ? "…'" : "'";
  return out;
}

}  // namespace mcpstate
