// SPDX-License-Identifier: MIT
#include "service/gate/request_checks.hh"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace mcpstate::service {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool is_address(const std::string& host) noexcept {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_host_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

}  // namespace

std::optional<std::string> host_without_port(std::string_view host) {
  std::string out = lowered(host);
  std::string port;
  if (out.starts_with('[')) {
    const auto end = out.find(']');
    if (end == std::string::npos) return std::nullopt;
    port = out.substr(end + 1);
    out = out.substr(1, end - 1);
    if (!is_address(out) || out.find(':') == std::string::npos) return std::nullopt;
  } else {
    const auto colon = out.find(':');
    if (colon != std::string::npos) {
      port = out.substr(colon);
      out.resize(colon);
    }
    if (out.empty() || !std::all_of(out.begin(), out.end(), is_host_char)) return std::nullopt;
  }
  const bool digits = port.empty() || (port.front() == ':' && port.find_first_not_of("0123456789", 1) == std::string::npos);
  if (!digits || port.size() > 6) return std::nullopt;
  return out;
}

bool is_loopback(std::string_view host) noexcept {
  const std::string text(host);
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  return text == "::1" || text == "localhost";
}

void admission::add_bound(std::string_view address) {
  if (address == "0.0.0.0" || address == "::") {
    any_address_ = true;
  } else {
    hosts_.emplace_back(address);
  }
  if (is_loopback(address) || any_address_) {
    for (const char* name : {"localhost", "127.0.0.1", "::1"}) hosts_.emplace_back(name);
  }
}

void admission::add_host(std::string_view name) { hosts_.push_back(lowered(name)); }
void admission::add_origin(std::string_view origin) { origins_.push_back(lowered(origin)); }

bool admission::allows_host(std::string_view host) const {
  const auto name = host_without_port(host);
  if (!name) return false;
  // An address cannot be made to lead here by somebody else's name server.
  return contains(hosts_, *name) || (any_address_ && is_address(*name));
}

admission::origin_kind admission::kind_of_origin(std::string_view origin, std::string_view host) const {
  const std::string text = lowered(origin);
  if (contains(origins_, text)) return origin_kind::listed;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme) && std::string_view(text).substr(scheme.size()) == lowered(host)) return origin_kind::same;
  }
  return origin_kind::foreign;
}

bool is_json(std::string_view content_type) {
  const std::string text = lowered(content_type);
  const auto semicolon = std::min(text.find(';'), text.size());
  if (trimmed(std::string_view(text).substr(0, semicolon)) != "application/json") return false;
  if (semicolon == text.size()) return true;
  const auto parameter = trimmed(std::string_view(text).substr(semicolon + 1));
  return parameter.empty() || parameter == "charset=utf-8" || parameter == "charset=\"utf-8\"";
}

std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if (lower(authorization[i]) != scheme[i]) return std::nullopt;
  }
  return trimmed(authorization.substr(scheme.size()));
}

bool is_request_id(std::string_view text) noexcept {
  const auto fine = [](char c) { return is_host_char(lower(c)) || c == ':' || c == '/' || c == '+' || c == '='; };
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), fine);
}

}  // namespace mcpstate::service
