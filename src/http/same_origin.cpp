// SPDX-License-Identifier: MIT
#include "http/same_origin.hh"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include <string>

#include "core/text/ascii.hh"

namespace mcpstate::http {
namespace {

namespace urls = boost::urls;

std::string origin_of(const url& from) { return (from.tls ? "https://" : "http://") + from.authority; }

}  // namespace

bool is_same_origin(const url& a, const url& b) {
  return a.tls == b.tls && a.port == b.port && ascii_iequal(a.host, b.host);
}

result<url> resolve_same_origin(const url& from, std::string_view reference) {
  const error no_url(errc::protocol, "the server names a URL that is none");
  if (!may_be_url(reference)) return no_url;
  const std::string base_text = origin_of(from) + from.target;
  const auto base = urls::parse_uri(base_text);
  const auto relative = urls::parse_uri_reference(reference);
  if (!base || !relative) return no_url;
  urls::url resolved(*base);
  if (!resolved.resolve(*relative)) return no_url;
  auto there = parse_url(std::string_view(resolved.buffer().data(), resolved.buffer().size()));
  if (!there) return no_url;
  if (is_same_origin(from, *there)) return there;
  return error(errc::forbidden_target,
               "the server leads to another origin than its own, which is not followed; use that URL", there->shown);
}

result<url> check_redirect(const egress_policy& policy, const url& from, std::string_view location, unsigned followed) {
  if (followed >= policy.max_redirects) {
    return error(errc::http_status,
                 policy.max_redirects == 0
                     ? "the server redirects, which is not followed; use the final URL"
                     : "the server redirects more than " + std::to_string(policy.max_redirects) + " times");
  }
  auto there = resolve_same_origin(from, location);
  if (!there) return there;
  MCPSTATE_CHECK(policy.check_origin(there->tls, there->host));
  return there;
}

}  // namespace mcpstate::http
