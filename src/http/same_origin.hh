// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

#include <mcpstate/http/egress.hpp>

#include "http/url.hh"

// URLs that a server names: in a redirect, or as the endpoint of an event stream. A client that follows one sends what was
// meant for the first URL (credentials, a session), so it follows them only within the origin of that URL. Pure.
namespace mcpstate::http {

// The same scheme, host (whatever its case) and port.
[[nodiscard]] bool is_same_origin(const url& a, const url& b);

// A reference (absolute or relative, RFC 3986), resolved against the URL that it came from. protocol if it is none;
// forbidden_target if it leads to another origin, which is then shown in peer_text.
[[nodiscard]] result<url> resolve_same_origin(const url& from, std::string_view reference);

// Where the Location of a redirect leads, after so many others in a row. Besides the above: http_status when that is more
// than the policy allows, and what the policy says to the target.
[[nodiscard]] result<url> check_redirect(const egress_policy& policy, const url& from, std::string_view location,
                                         unsigned followed);

}  // namespace mcpstate::http
