// SPDX-License-Identifier: MIT
#include "redis/topology/endpoint.hh"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/text/ascii.hh"
#include "core/text/number.hh"

namespace mcpstate::redis {
namespace {

constexpr std::size_t max_host = 253;  // bytes of a name in DNS

bool is_host(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_host) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) || std::string_view(".-_:%").find(c) != std::string_view::npos;
  });
}

std::string_view without_brackets(std::string_view host) noexcept {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

std::string shown(const endpoint& at) {
  const bool bracketed = at.host.find(':') != std::string::npos;
  return (bracketed ? "[" + at.host + "]" : at.host) + ":" + std::to_string(at.port);
}

announced_endpoint announce(std::string_view host, std::uint64_t port) {
  announced_endpoint out;
  if (port == 0 || port > std::numeric_limits<std::uint16_t>::max()) return out;
  host = without_brackets(host);
  if (!host.empty() && !is_host(host)) return out;  // "?" is none either
  out.kind = host.empty() ? announced_endpoint::naming::same_host : announced_endpoint::naming::given;
  out.host = ascii_lower(host);
  out.port = static_cast<std::uint16_t>(port);
  return out;
}

announced_endpoint announce(std::string_view host_and_port) {
  const std::size_t colon = host_and_port.rfind(':');
  if (colon == std::string_view::npos) return {};
  const auto port = parse_number<std::uint16_t>(host_and_port.substr(colon + 1));
  return port ? announce(host_and_port.substr(0, colon), *port) : announced_endpoint();
}

result<nat_map> nat_map::parse(std::string_view text) {
  nat_map out;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view pair = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    const std::size_t equals = pair.find('=');
    const announced_endpoint from = announce(pair.substr(0, equals));
    const announced_endpoint to =
        equals == std::string_view::npos ? announced_endpoint() : announce(pair.substr(equals + 1));
    const bool given = from.kind == announced_endpoint::naming::given && to.kind == announced_endpoint::naming::given;
    if (!given || (text.empty() && comma != std::string_view::npos)) {
      return error(errc::bad_argument, "a list of addresses is written internal:port=external:port,…");
    }
    if (!out.ways_.emplace(endpoint(from.host, from.port), endpoint(to.host, to.port)).second) {
      return error(errc::bad_argument,
                   "the list of addresses has " + from.host + ":" + std::to_string(from.port) + " twice");
    }
  }
  return out;
}

endpoint nat_map::outside(endpoint inside) const {
  const auto found = ways_.find(inside);
  return found == ways_.end() ? std::move(inside) : found->second;
}

std::optional<endpoint> resolve(const announced_endpoint& said, const endpoint& asked, const nat_map& nat) {
  switch (said.kind) {
    case announced_endpoint::naming::given:
      return nat.outside(endpoint(said.host, said.port));
    case announced_endpoint::naming::same_host:
      return nat.outside(endpoint(asked.host, said.port));
    case announced_endpoint::naming::unknown:
      break;
  }
  return std::nullopt;
}

}  // namespace mcpstate::redis
