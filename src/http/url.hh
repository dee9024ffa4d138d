// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// The URL of an HTTP server, in its parts. Pure.
namespace mcpstate::http {

struct url {
  url() {}
  bool tls = false;
  std::string host;       // to resolve and verify: no brackets
  std::string port;       // decimal
  std::string authority;  // for the Host header, exactly as written in the URL (servers compare it)
  std::string target;     // path and query as they are; "/" for an empty path
  std::string shown;      // for people: without user-info, query and fragment
};
// Failure: bad_url for anything but an http or https URL with a host and without user-info. The error never repeats a part
// of the URL that could be a secret.
[[nodiscard]] result<url> parse_url(std::string_view text);

// Whether a text may be a URL with a host, or a relative reference: visible ASCII, with // after a scheme. Nothing else may
// be given to Boost.URL (1.81): some texts end the program.
[[nodiscard]] bool may_be_url(std::string_view text) noexcept;

}  // namespace mcpstate::http
