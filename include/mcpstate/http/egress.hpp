// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>

// Where the client may connect to. Whoever lets others name a server's URL sends requests on their behalf, from inside the
// own network: without a policy they reach what only we can reach (SSRF).
//
// Checked three times: the URL before anything is looked up, every address that its name has, and every redirect. The
// connection is made to the addresses that were checked: the name is not looked up again. Value type; pure.
namespace mcpstate::mcp {

class egress_policy {
 public:
  // The same as strict().
  egress_policy() {}
  // For whoever types URLs at an own keyboard: every address, http and https.
  [[nodiscard]] static egress_policy open();
  // For URLs that came from others: https only, public addresses only.
  [[nodiscard]] static egress_policy strict();

  bool plain_http = false;     // http URLs too
  bool any_address = false;    // no address is refused, and no spelling of one
  unsigned max_redirects = 3;  // in a row; each within one origin (same scheme, host and port)

  // Exempts a host name ("mcp.internal", whatever addresses it has), an address, or a network ("10.1.0.0/16", "fd00::/8")
  // from the rules about addresses. Cloud metadata services are exempted by name or single address only, never by a network.
  // bad_argument for anything else.
  result<void> allow(std::string_view what);

  // What it allows, in one line: the same text for the same calls.
  [[nodiscard]] std::string text() const;

  // All checks: forbidden_target. The detail names the rule and the way out; it never says which address a name has,
  // which is not for everybody who may try a name.

  // A URL before its host is looked up: its scheme, and its host if that is an address. A host that resolvers take for an
  // IPv4 address (0x7f.1, 2130706433, 127.1, 127.0.0.1.) but that is not written as one is refused. bad_url if it is none.
  [[nodiscard]] result<void> check_url(std::string_view url) const;
  // The same for a URL that has been taken apart; host without brackets.
  [[nodiscard]] result<void> check_origin(bool https, const std::string& host) const;
  // What the name was resolved to: one forbidden address refuses all. resolve_failed when there is none.
  [[nodiscard]] result<void> check_addresses(const std::string& host,
                                             const std::vector<boost::asio::ip::address>& found) const;

 private:
  [[nodiscard]] bool allows_host(std::string_view host) const;

  std::vector<std::string> hosts_;                     // lower case, without a dot at the end
  std::vector<boost::asio::ip::network_v6> networks_;  // those of IPv4 within ::ffff:0:0/96
};

}  // namespace mcpstate::mcp
