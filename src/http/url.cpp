// SPDX-License-Identifier: MIT
#include "http/url.hh"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <cstdint>

#include "core/text/number.hh"
#include "http/token.hh"

namespace mcpstate::http {
namespace {

namespace urls = boost::urls;

bool is_host_text(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
  });
}

bool is_port(std::string_view digits) { return parse_number<std::uint16_t>(digits).value_or(0) != 0; }

// Boost.URL (1.81) ends a host that begins like an IPv4 address after that: of 10.0.0.1.nip.io:80/x it takes .nip.io:80/x
// for the path. This moves the rest of host and port back to where it belongs. False where the path can only be an error.
bool rejoin_host(url& out, std::string& path, bool v4, bool has_port) {
  if (path.empty() || path.front() == '/') return true;
  if (!v4 || has_port) return false;
  const std::string tail = path.substr(0, path.find('/'));
  path.erase(0, tail.size());
  const std::size_t colon = tail.find(':');
  out.authority += tail;
  out.host += tail.substr(0, colon);
  if (colon != std::string::npos) out.port = tail.substr(colon + 1);
  return true;
}

std::string view_text(boost::core::string_view part) { return std::string(part.data(), part.size()); }

error bad_url(std::string why) { return error(errc::bad_url, "the server's URL cannot be used: " + std::move(why)); }

}  // namespace

bool may_be_url(std::string_view text) noexcept {
  const std::size_t end = text.find_first_of(":/?#");
  const bool scheme = end != std::string_view::npos && text[end] == ':';
  if (scheme && !text.substr(end).starts_with("://")) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

result<url> parse_url(std::string_view text) {
  if (!may_be_url(text)) return bad_url("it is no absolute URL");
  const auto parsed = urls::parse_uri(text);
  if (!parsed) return bad_url("it is no absolute URL");
  const urls::url_view& parts = *parsed;
  const std::string scheme = ascii_lower(view_text(parts.scheme()));
  if (scheme != "http" && scheme != "https") return bad_url("only http and https are possible");
  if (parts.has_userinfo()) return bad_url("user and password do not belong in it; send them as a header");
  url out;
  out.tls = scheme == "https";
  out.host = view_text(parts.encoded_host_address());
  const bool v6 = parts.host_type() == urls::host_type::ipv6;
  if (parts.host_type() == urls::host_type::ipvfuture) return bad_url("its host is not valid");
  out.port = view_text(parts.port());
  out.authority = view_text(parts.encoded_host_and_port());
  std::string path = view_text(parts.encoded_path());
  const bool whole = rejoin_host(out, path, parts.host_type() == urls::host_type::ipv4, parts.has_port());
  if (!whole || (!v6 && !is_host_text(out.host))) return bad_url("its host is not valid");
  if (out.port.empty()) out.port = out.tls ? "443" : "80";
  if (!is_port(out.port)) return bad_url("its port is not valid");
  if (out.authority.ends_with(':')) out.authority.pop_back();
  out.target = path.empty() ? "/" : path;
  if (parts.has_query()) out.target += "?" + view_text(parts.encoded_query());
  out.shown = scheme + "://" + out.authority + path;
  return out;
}

}  // namespace mcpstate::http
