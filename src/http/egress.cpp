// SPDX-License-Identifier: MIT
#include <mcpstate/http/egress.hpp>

#include <boost/asio/ip/network_v4.hpp>

#include <algorithm>
#include <iterator>

#include "core/text/ascii.hh"
#include "core/text/hex.hh"
#include "http/url.hh"

namespace mcpstate::http {
namespace {

namespace ip = boost::asio::ip;

struct range {
  const char* network;
  const char* what;
};

// Cloud metadata services hand out credentials to whoever asks from inside. AWS (also its task and pod credentials), Azure
// (also its wire server, which has a public address), Google, Oracle, Alibaba, Tencent, Scaleway.
constexpr const char* metadata_services[] = {
    "169.254.169.254/32", "169.254.170.2/32",       "169.254.170.23/32", "169.254.0.23/32",   "169.254.42.42/32",
    "100.100.100.200/32", "192.0.0.192/32",         "168.63.129.16/32",  "fd00:ec2::254/128", "fd00:ec2::23/128",
    "fd20:ce::254/128",   "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128"};

// IANA's registries of special-purpose addresses; the first that fits names the address.
constexpr range special[] = {{"0.0.0.0/8", "this host"},
                             {"10.0.0.0/8", "a private network"},
                             {"100.64.0.0/10", "a provider's shared network"},
                             {"127.0.0.0/8", "this machine"},
                             {"169.254.0.0/16", "the local link"},
                             {"172.16.0.0/12", "a private network"},
                             {"192.0.0.0/24", "protocol assignments"},
                             {"192.0.2.0/24", "documentation"},
                             {"192.88.99.0/24", "6to4 relays"},
                             {"192.168.0.0/16", "a private network"},
                             {"198.18.0.0/15", "benchmarks"},
                             {"198.51.100.0/24", "documentation"},
                             {"203.0.113.0/24", "documentation"},
                             {"224.0.0.0/4", "multicast"},
                             {"240.0.0.0/4", "reserved"},
                             {"::/128", "this host"},
                             {"::1/128", "this machine"},
                             {"fc00::/7", "a private network"},
                             {"fe80::/10", "the local link"},
                             {"ff00::/8", "multicast"},
                             {"2001::/23", "protocol assignments"},  // Teredo, ORCHID, benchmarks
                             {"2001:db8::/32", "documentation"},
                             {"2002::/16", "6to4"},
                             {"3fff::/20", "documentation"}};
constexpr const char* global_unicast = "2000::/3";  // the rest of IPv6 is reserved

ip::network_v6 as_v6(const ip::network_v4& net) {
  const auto mapped = ip::make_address_v6(ip::v4_mapped, net.network());
  return ip::network_v6(mapped, static_cast<unsigned short>(net.prefix_length() + 96));
}

// A network in canonical form; an error for one with bits beyond its prefix.
result<ip::network_v6> parse_network(const std::string& text) {
  boost::system::error_code ec;
  const auto v4 = ip::make_network_v4(text, ec);
  if (!ec && v4.canonical() == v4) return as_v6(v4);
  const auto v6 = ip::make_network_v6(text, ec);
  if (!ec && v6.canonical() == v6 && v6.address().scope_id() == 0) return v6;
  return error(errc::bad_argument, "not a network (like 10.1.0.0/16): " + text);
}

ip::network_v6 known_network(const char* text) { return parse_network(text).value(); }

// The address that is meant, IPv4 as ::ffff:a.b.c.d: also behind NAT64 (64:ff9b::/96), over which networks without IPv4
// reach it.
ip::address_v6 meant(const ip::address& address) {
  if (address.is_v4()) return ip::make_address_v6(ip::v4_mapped, address.to_v4());
  auto bytes = address.to_v6().to_bytes();
  static const auto nat64 = known_network("64:ff9b::/96");
  if (ip::network_v6(ip::address_v6(bytes), 96).canonical() == nat64) {
    const auto mapped = ip::make_address_v6(ip::v4_mapped, ip::address_v4()).to_bytes();
    std::copy_n(mapped.begin(), 12, bytes.begin());
  }
  return ip::address_v6(bytes);  // without the scope
}

// IPv4 is in networks of IPv4 only, not in ::/0.
bool contains(const ip::network_v6& net, const ip::address_v6& address) {
  if (address.is_v4_mapped() && net.prefix_length() < 96) return false;
  return ip::network_v6(address, net.prefix_length()).network() == net.network();
}

bool is_metadata(const ip::address_v6& address) {
  return std::any_of(std::begin(metadata_services), std::end(metadata_services),
                     [&](const char* one) { return contains(known_network(one), address); });
}

// What an address stands for that is not a public one; empty for a public one.
std::string special_meaning(const ip::address_v6& address) {
  for (const range& one : special) {
    if (contains(known_network(one.network), address)) return std::string(one.what) + " (" + one.network + ")";
  }
  if (address.is_v4_mapped() || contains(known_network(global_unicast), address)) return std::string();
  return "a reserved range (outside " + std::string(global_unicast) + ")";
}

std::string plain_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return ascii_lower(host);
}

bool is_name(std::string_view text) {
  const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

// Whether resolvers take it for an IPv4 address, in whatever form: its last part is a number (as the URL standard has it).
bool ends_in_number(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  const bool hex = last.starts_with("0x");
  const auto fits = [hex](char c) { return hex ? hex_value(c).has_value() : is_digit(c); };
  const std::string_view digits = hex ? last.substr(2) : last;
  return !last.empty() && std::all_of(digits.begin(), digits.end(), fits);
}

error forbidden(std::string what) { return error(errc::forbidden_target, std::move(what)); }

}  // namespace

egress_policy egress_policy::open() {
  egress_policy out;
  out.plain_http = true;
  out.any_address = true;
  return out;
}

egress_policy egress_policy::strict() { return egress_policy(); }

result<void> egress_policy::allow(std::string_view what) {
  const std::string text(what);
  boost::system::error_code ec;
  const auto address = ip::make_address(text, ec);
  const bool scoped = !ec && address.is_v6() && address.to_v6().scope_id() != 0;
  if (!ec && !scoped) {
    networks_.emplace_back(meant(address), static_cast<unsigned short>(128));
    return result<void>();
  }
  if (text.find('/') != std::string::npos) {
    MCPSTATE_TRY(net, parse_network(text));
    networks_.push_back(net);
    return result<void>();
  }
  std::string name = plain_name(what);
  if (!is_name(name) || ends_in_number(name)) {
    return error(errc::bad_argument, "not a host name, an address, or a network (like 10.1.0.0/16): " + text);
  }
  hosts_.push_back(std::move(name));
  return result<void>();
}

std::string egress_policy::text() const {
  std::string out = plain_http ? "http" : "https";
  out += any_address ? " anywhere" : "";
  for (const std::string& each : hosts_) out += " " + each;
  for (const ip::network_v6& each : networks_) out += " " + each.to_string();
  return out + " redirects=" + std::to_string(max_redirects);
}

bool egress_policy::allows_host(std::string_view host) const {
  return std::find(hosts_.begin(), hosts_.end(), plain_name(host)) != hosts_.end();
}

result<void> egress_policy::check_url(std::string_view url) const {
  MCPSTATE_TRY(parsed, parse_url(url));
  return check_origin(parsed.tls, parsed.host);
}

result<void> egress_policy::check_origin(bool https, const std::string& host) const {
  if (!https && !plain_http) return forbidden("only https URLs may be used here, and the URL for " + host + " is http");
  if (any_address) return result<void>();
  boost::system::error_code ec;
  const auto address = ip::make_address(host, ec);
  if (!ec) return check_addresses(host, {address});
  if (!ends_in_number(plain_name(host))) return result<void>();
  return forbidden("the host " + host + " is an IPv4 address in disguise; write it as four decimal numbers");
}

result<void> egress_policy::check_addresses(const std::string& host, const std::vector<ip::address>& found) const {
  if (found.empty()) return error(errc::resolve_failed, "the host name " + host + " has no address");
  if (any_address || allows_host(host)) return result<void>();
  for (const ip::address& each : found) {
    const ip::address_v6 address = meant(each);
    const bool metadata = is_metadata(address);
    const bool exempt = std::any_of(networks_.begin(), networks_.end(), [&](const ip::network_v6& net) {
      return contains(net, address) && (!metadata || net.prefix_length() == 128);
    });
    if (exempt) continue;
    const std::string meaning = metadata ? "a cloud's metadata service" : special_meaning(address);
    if (meaning.empty()) continue;
    return forbidden("the host " + host + " leads to " + meaning +
                     ", where nothing may connect to from here unless the operator allows this host or network");
  }
  return result<void>();
}

}  // namespace mcpstate::http
