// SPDX-License-Identifier: MIT
#include "cli/words/input.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/view/text.hh"
#include "core/duration.hh"
#include "core/file.hh"
#include "core/text/ascii.hh"
#include "core/text/printable.hh"
#include "core/text/trimmed.hh"
#include "core/variables.hh"

namespace mcpstate::cli {

namespace {

constexpr std::string_view blanks = " \t";

// RFC 9110, 5.6.2: what a header's name is made of.
bool is_token_char(char c) noexcept {
  return is_letter(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_value_char(char c) noexcept {
  const auto u = static_cast<unsigned char>(c);
  return c == '\t' || (u >= 0x20 && u != 0x7F);
}

error cannot_read(const std::string& path, const std::string& why) {
  return error(errc::bad_argument, "cannot read " + printable(path) + ": " + why);
}

result<std::string> read_file(const std::string& path, std::size_t limit) {
  auto file = read_regular_file(path, limit);
  if (file.ok()) return std::move(file.bytes);
  if (file.what == file_content::outcome::too_large) return error(errc::too_large, printable(path) + " is too large");
  return cannot_read(path, file.reason + (file.what == file_content::outcome::absent ? "" : "; standard input is called -"));
}

// One byte over the limit is enough to know; an endless input must not fill the memory.
result<std::string> read_stdin(std::size_t limit) {
  std::string bytes;
  std::array<char, 65536> part;
  std::size_t n = 0;
  while (bytes.size() <= limit && (n = std::fread(part.data(), 1, part.size(), stdin)) > 0) bytes.append(part.data(), n);
  if (std::ferror(stdin) != 0) return cannot_read("standard input", std::strerror(errno));
  if (bytes.size() > limit) return error(errc::too_large, "standard input is too large");
  return bytes;
}

}  // namespace

result<tools_list> read_tools(const std::string& path) {
  const bool standard = path == "-";
  const std::string name = standard ? "standard input" : printable(path);
  auto bytes = standard ? read_stdin(default_tools_limit) : read_file(path, default_tools_limit);
  if (!bytes) {
    if (bytes.error().code() != errc::too_large) return bytes.error();
    return error(errc::too_large, name + " is over the limit for tools, " + bytes_text(default_tools_limit));
  }
  auto parsed = tools_list::parse(std::move(*bytes));
  if (!parsed) return error(parsed.error().code(), name + ": " + parsed.error().detail());
  return parsed;
}

result<std::string> read_standard_input(std::size_t limit) {
  auto bytes = read_stdin(limit);
  if (bytes || bytes.error().code() != errc::too_large) return bytes;
  return error(errc::too_large, "standard input is over the limit, " + bytes_text(limit));
}

result<std::pair<std::string, std::string>> parse_header(std::string_view text) {
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_char)) {
    return error(errc::bad_argument, "--header: write it as 'Name: value'");
  }
  const auto value = trimmed(text.substr(colon + 1), blanks);
  if (!std::all_of(value.begin(), value.end(), is_value_char)) {
    return error(errc::bad_argument, "--header " + std::string(name) + ": control characters cannot be sent");
  }
  return std::pair(std::string(name), std::string(value));
}

result<std::pair<std::string, std::string>> parse_variable(std::string_view text) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals == std::string_view::npos ? 0 : equals);
  if (!is_variable_name(name)) return error(errc::bad_argument, "--env: write it as NAME=value");
  return std::pair(std::string(name), std::string(text.substr(equals + 1)));
}

result<void> read_duration(std::chrono::milliseconds& target, const std::string& text, const char* option,
                           std::chrono::milliseconds minimum) {
  if (text.empty()) return {};
  MCPSTATE_TRY(duration, parse_duration(text, option));
  if (duration < minimum) {
    return error(errc::bad_argument, std::string(option) + " is at least " + std::to_string(minimum.count()) + "ms");
  }
  target = duration;
  return {};
}

}  // namespace mcpstate::cli
