// SPDX-License-Identifier: MIT
#include "core/text/secrets.hh"

#include <algorithm>
#include <array>
#include <cstddef>

namespace mcpstate {

namespace {

constexpr auto none = std::string_view::npos;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool starts_with_word(std::string_view text, std::string_view word) noexcept {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

bool is_token_char(char c) noexcept {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || std::string_view("-._~+/=").find(c) != none;
}

std::size_t token_length(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_token_char) - text.begin());
}

// What is hidden already is left alone.
void take_token(std::string& out, std::string_view& rest) {
  out += hidden_text;
  rest.remove_prefix(rest.starts_with(hidden_text) ? hidden_text.size() : token_length(rest));
}

// How far a URL goes in a line of text.
std::string_view up_to_blank(std::string_view text) noexcept {
  const auto ends = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\'' || c == '<' || c == '>';
  };
  const auto end = std::find_if(text.begin(), text.end(), ends);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

// What stands behind "://".
std::string shown_url(std::string_view url) {
  std::string out;
  const auto authority = url.substr(0, url.find_first_of("/?#"));
  // A password with a slash in it ends the authority early; the last @ before the query is what counts then.
  const auto at = url.substr(0, url.find('?')).rfind('@');
  if (at != none) {
    out.append(hidden_text).append("@");
    url.remove_prefix(at + 1);
  } else {
    out.append(authority);
    url.remove_prefix(authority.size());
  }
  const auto query = url.find('?');
  out.append(url.substr(0, query));
  if (query != none) out.append("?").append(hidden_text);
  return out;
}

// Replaces the secret at the front of rest, if there is one, and takes it away.
bool take_secret(std::string& out, std::string_view& rest) {
  constexpr std::string_view owner_token = "mcps1.", scheme_end = "://";
  if (rest.starts_with(owner_token)) {
    take_token(out, rest);
    return true;
  }
  for (const std::string_view scheme : {"bearer ", "basic "}) {
    if (!starts_with_word(rest, scheme)) continue;
    out.append(rest.substr(0, scheme.size()));
    rest.remove_prefix(scheme.size());
    take_token(out, rest);
    return true;
  }
  if (!rest.starts_with(scheme_end)) return false;
  rest.remove_prefix(scheme_end.size());
  const auto url = up_to_blank(rest);
  out.append(scheme_end).append(shown_url(url));
  rest.remove_prefix(url.size());
  return true;
}

}  // namespace

bool names_secret(std::string_view key) noexcept {
  constexpr std::array<std::string_view, 9> words{"token",      "secret",  "password", "authorization", "cookie",
                                                  "credential", "api_key", "api-key",  "apikey"};
  return std::any_of(words.begin(), words.end(), [key](std::string_view word) {
    for (auto rest = key; rest.size() >= word.size(); rest.remove_prefix(1)) {
      if (starts_with_word(rest, word)) return true;
    }
    return false;
  });
}

std::string without_secrets(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (take_secret(out, text)) continue;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace mcpstate
