// SPDX-License-Identifier: MIT
#include "service/gate/header_fields.hh"

#include <algorithm>
#include <string>

#include "core/text/ascii.hh"
#include "core/text/trimmed.hh"

namespace mcpstate::service {

namespace {

constexpr std::string_view blanks = " \t";

bool is_request_id_char(char c) noexcept {
  return is_letter(c) || is_digit(c) || std::string_view("-._:/+=").find(c) != std::string_view::npos;
}

}  // namespace

bool is_json(std::string_view content_type) {
  const std::string text = ascii_lower(content_type);
  const auto semicolon = std::min(text.find(';'), text.size());
  if (trimmed(std::string_view(text).substr(0, semicolon), blanks) != "application/json") return false;
  if (semicolon == text.size()) return true;
  const auto parameter = trimmed(std::string_view(text).substr(semicolon + 1), blanks);
  return parameter.empty() || parameter == "charset=utf-8" || parameter == "charset=\"utf-8\"";
}

std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size()) return std::nullopt;
  if (!ascii_iequal(authorization.substr(0, scheme.size()), scheme)) return std::nullopt;
  return trimmed(authorization.substr(scheme.size()), blanks);
}

bool is_request_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), is_request_id_char);
}

}  // namespace mcpstate::service
