// SPDX-License-Identifier: MIT
#include "service/gate/host_policy.hh"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "core/text/ascii.hh"

namespace mcpstate::service {

namespace {

bool is_address(const std::string& host) noexcept {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_host_char(char c) noexcept { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_'; }

}  // namespace

std::optional<std::string> host_without_port(std::string_view host) {
  std::string out = ascii_lower(host);
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

void host_policy::add_bound(std::string_view address) {
  if (address == "0.0.0.0" || address == "::") {
    any_address_ = true;
  } else {
    hosts_.emplace_back(address);
  }
  if (is_loopback(address) || any_address_) {
    for (const char* name : {"localhost", "127.0.0.1", "::1"}) hosts_.emplace_back(name);
  }
}

void host_policy::add_host(std::string_view name) { hosts_.push_back(ascii_lower(name)); }
void host_policy::add_origin(std::string_view origin) { origins_.push_back(ascii_lower(origin)); }

bool host_policy::allows_host(std::string_view host) const {
  const auto name = host_without_port(host);
  if (!name) return false;
  // A name server cannot make a literal address point here, so rebinding does not apply to addresses.
  return contains(hosts_, *name) || (any_address_ && is_address(*name));
}

host_policy::origin_kind host_policy::classify_origin(std::string_view origin, std::string_view host) const {
  const std::string text = ascii_lower(origin);
  if (contains(origins_, text)) return origin_kind::listed;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme) && std::string_view(text).substr(scheme.size()) == ascii_lower(host))
      return origin_kind::same;
  }
  return origin_kind::foreign;
}

}  // namespace mcpstate::service
