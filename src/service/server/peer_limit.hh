// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "service/gate/rate_limit.hh"

// How many connections one address may open in a second. Pure: the time is passed in.
namespace mcpstate::service {

class peer_limit {
 public:
  // As rate_limit takes them.
  peer_limit(double per_second, double burst) : rate_(per_second, burst) {}

  // An address ("10.0.0.7", "fd00::7") or a network ("10.0.0.0/8") that is not limited: a proxy opens the connections of all
  // its users. bad_argument for any other text.
  result<void> exempt(const std::string& text);

  // Absent: the connection is allowed and counted; otherwise the time until one would be. Addresses of IPv6 count together when
  // they share the network that one customer is given (/64).
  [[nodiscard]] std::optional<std::chrono::milliseconds> take(const boost::asio::ip::address& peer,
                                                              rate_limit::time_point now);

 private:
  rate_limit rate_;
  std::vector<boost::asio::ip::network_v6> exempt_;  // those of IPv4 within ::ffff:0:0/96
};

}  // namespace mcpstate::service
