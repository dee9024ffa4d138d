// SPDX-License-Identifier: MIT
#include "service/server/peer_limit.hh"

#include <boost/asio/ip/network_v4.hpp>

#include <algorithm>

#include "core/text/quoted.hh"

namespace mcpstate::service {

namespace {

namespace ip = boost::asio::ip;

constexpr unsigned short mapped_bits = 96;  // in front of an IPv4 address within IPv6

ip::address_v6 as_v6(const ip::address& address) {
  return address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()) : ip::address_v6(address.to_v6().to_bytes());
}

std::optional<ip::network_v6> parse_network(const std::string& text) {
  boost::system::error_code ec;
  const auto address = ip::make_address(text, ec);
  if (!ec) return ip::network_v6(as_v6(address), 128);
  const auto v4 = ip::make_network_v4(text, ec);
  if (!ec) return ip::network_v6(as_v6(v4.network()), static_cast<unsigned short>(v4.prefix_length() + mapped_bits));
  const auto v6 = ip::make_network_v6(text, ec);
  if (!ec) return v6.canonical();
  return std::nullopt;
}

bool contains(const ip::network_v6& network, const ip::address_v6& address) {
  if (address.is_v4_mapped() && network.prefix_length() < mapped_bits) return false;
  return ip::network_v6(address, network.prefix_length()).network() == network.network();
}

std::string key_of(const ip::address_v6& address) {
  if (address.is_v4_mapped()) return address.to_string();
  return ip::network_v6(address, 64).network().to_string();
}

}  // namespace

result<void> peer_limit::exempt(const std::string& text) {
  const auto network = parse_network(text);
  if (!network)
    return error(errc::bad_argument,
                 mcpstate::quoted(text) + " is neither an address nor a network, such as 10.0.0.7 or 10.0.0.0/8");
  exempt_.push_back(*network);
  return {};
}

std::optional<std::chrono::milliseconds> peer_limit::take(const ip::address& peer, rate_limit::time_point now) {
  const auto address = as_v6(peer);
  const auto covers = [&address](const ip::network_v6& network) { return contains(network, address); };
  if (std::ranges::any_of(exempt_, covers)) return std::nullopt;
  return rate_.take(key_of(address), now);
}

}  // namespace mcpstate::service
