// SPDX-License-Identifier: MIT
#include "service/http/url_path.hh"

#include <algorithm>

#include "core/text/hex.hh"
#include "service/http/bad_input.hh"

namespace mcpstate::service {

namespace {

bool is_visible(char c) noexcept { return c > 0x20 && c < 0x7F; }

result<void> read_segments(parsed_target& out, std::string_view path) {
  if (path == "/") return {};
  path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    auto segment = percent_decoded(path.substr(0, slash));
    if (!segment) return bad_input("the path has an escape that is not % and two hexadecimal digits, or a NUL");
    if (segment->empty()) return bad_input("the path has an empty segment");
    if (*segment == "." || *segment == "..") return bad_input("the path has a dot segment");
    if (out.segments.size() == max_segments) return bad_input("the path has too many segments");
    out.segments.push_back(std::move(*segment));
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
}

result<void> parse_query(parsed_target& out, std::string_view query) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = percent_decoded(part.substr(0, equals));
    auto value = percent_decoded(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    if (!name || !value) return bad_input("the query has an escape that is not % and two hexadecimal digits, or a NUL");
    if (out.parameters.size() == max_parameters) return bad_input("the query has too many parameters");
    out.parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  if (text.find('%') == std::string_view::npos) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (!high || !low || (*high == 0 && *low == 0)) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

result<parsed_target> parse_target(std::string_view target) {
  parsed_target out;
  if (!std::all_of(target.begin(), target.end(), is_visible))
    return bad_input("the target has bytes that a URL must encode");
  if (target.find('#') != std::string_view::npos) return bad_input("the target has a fragment");
  constexpr std::string_view scheme = "http://";
  if (target.starts_with(scheme)) {
    target.remove_prefix(scheme.size());
    const auto slash = std::min(target.find_first_of("/?"), target.size());
    out.authority = std::string(target.substr(0, slash));
    if (out.authority.empty()) return bad_input("the target has no host");
    target.remove_prefix(slash);
    if (target.empty()) target = "/";
  }
  if (!target.starts_with('/')) return bad_input("the target must begin with a slash");
  const auto question = target.find('?');
  MCPSTATE_CHECK(read_segments(out, target.substr(0, question)));
  if (question == std::string_view::npos) return out;
  MCPSTATE_CHECK(parse_query(out, target.substr(question + 1)));
  return out;
}

}  // namespace mcpstate::service
