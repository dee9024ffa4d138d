// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>

// Where a client may connect to. A program that lets others name a server's URL sends requests on their behalf from inside
// its own network. Without a policy they reach what only that program should reach (SSRF).
//
// A client checks three times: the URL before its host is looked up, every address of the host, and every redirect. It
// connects to the addresses that were checked, and does not look the name up again. Value type. Pure. Any thread; one object
// is not for several threads while allow() is called.
namespace mcpstate::http {

class egress_policy {
 public:
  // The same as strict().
  egress_policy() {}
  // For URLs that the user of this machine typed: every address, http and https.
  [[nodiscard]] static egress_policy open();
  // For URLs that come from others: https only, public addresses only.
  [[nodiscard]] static egress_policy strict();

  bool plain_http = false;     // http URLs too
  bool any_address = false;    // no address is refused, and no spelling of an address
  unsigned max_redirects = 3;  // in a row, within one origin (same scheme, host and port); 0: none is followed

  // Exempts a host name ("mcp.internal", whatever addresses it has), an address, or a network ("10.1.0.0/16", "fd00::/8")
  // from the rules about addresses. A network never exempts a cloud's metadata service: only its name or its very address
  // does. Failure: bad_argument for any other text.
  result<void> allow(std::string_view what);

  // What it allows, in one line. The same calls in the same order make the same text.
  [[nodiscard]] std::string text() const;

  // All checks fail with forbidden_target. The detail names the rule and how to allow the target. It never says which
  // address a name has: callers who may try names must not learn that.

  // Checks a URL before its host is looked up: its scheme, and its host if that is an address. Refuses a host that resolvers
  // take for an IPv4 address but that is not written as one (0x7f.1, 2130706433, 127.1, 127.0.0.1.). bad_url for what is no
  // URL.
  [[nodiscard]] result<void> check_url(std::string_view url) const;
  // The same for the parts of a URL; the host without brackets.
  [[nodiscard]] result<void> check_origin(bool https, const std::string& host) const;
  // Checks all addresses of a host: one forbidden address refuses the host. resolve_failed when there is none.
  [[nodiscard]] result<void> check_addresses(const std::string& host,
                                             const std::vector<boost::asio::ip::address>& found) const;

 private:
  [[nodiscard]] bool allows_host(std::string_view host) const;

  std::vector<std::string> hosts_;                     // lower case, without a dot at the end
  std::vector<boost::asio::ip::network_v6> networks_;  // those of IPv4 within ::ffff:0:0/96
};

}  // namespace mcpstate::http

// The name it had in 0.1; until 0.3.
namespace mcpstate::mcp {
using http::egress_policy;
}  // namespace mcpstate::mcp
