// SPDX-License-Identifier: MIT
#include "cli/words/dotenv.hh"

#include <algorithm>
#include <optional>

#include "core/text/ascii.hh"
#include "core/text/trimmed.hh"

namespace mcpstate::cli {

namespace {

constexpr std::string_view line_blanks = " \t\r";

bool is_blank(char c) noexcept { return line_blanks.find(c) != std::string_view::npos; }

bool is_name_char(char c, bool first) noexcept { return c == '_' || is_letter(c) || (!first && is_digit(c)); }

class reader {
 public:
  explicit reader(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }

  std::map<std::string, std::string> read() {
    std::map<std::string, std::string> out;
    while (!rest_.empty()) {
      const auto name = take_name();
      const auto value = name ? take_value() : std::nullopt;
      if (value) out[*name] = *value;
      skip_line();
    }
    return out;
  }

 private:
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(line_blanks), rest_.size())); }

  void skip_line() {
    const auto end = rest_.find('\n');
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  }

  std::string take_word() {
    std::size_t n = 0;
    while (n < rest_.size() && is_name_char(rest_[n], n == 0)) ++n;
    std::string word(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return word;
  }

  // The name before "=", which is taken too.
  std::optional<std::string> take_name() {
    skip_blanks();
    auto name = take_word();
    if (name == "export" && !rest_.empty() && is_blank(rest_[0])) {
      skip_blanks();
      name = take_word();
    }
    skip_blanks();
    if (name.empty() || !rest_.starts_with('=')) return std::nullopt;
    rest_.remove_prefix(1);
    return name;
  }

  std::optional<std::string> take_value() {
    skip_blanks();
    if (rest_.starts_with('\'') || rest_.starts_with('"')) return take_quoted();
    std::size_t n = 0;
    while (n < rest_.size() && rest_[n] != '\n') {
      const bool comment = rest_[n] == '#' && (n == 0 || is_blank(rest_[n - 1]));
      if (comment) break;
      ++n;
    }
    return std::string(trimmed(rest_.substr(0, n), line_blanks));
  }

  // Absent when the quote is never closed; then only this line is passed over.
  std::optional<std::string> take_quoted() {
    const char quote = rest_[0];
    std::string value;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == quote) {
        rest_.remove_prefix(i + 1);
        return value;
      }
      if (quote == '"' && rest_[i] == '\\' && i + 1 < rest_.size()) {
        append_escaped(value, rest_[++i]);
      } else {
        value += rest_[i];
      }
    }
    return std::nullopt;
  }

  static void append_escaped(std::string& value, char c) {
    if (c == 'n' || c == 'r' || c == 't') {
      value += c == 'n' ? '\n' : c == 'r' ? '\r' : '\t';
    } else {
      if (c != '"' && c != '\\' && c != '$') value += '\\';
      value += c;
    }
  }

  std::string_view rest_;
};

}  // namespace

std::map<std::string, std::string> parse_dotenv(std::string_view text) { return reader(text).read(); }

}  // namespace mcpstate::cli
