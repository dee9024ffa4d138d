// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// The URL of an HTTP server, taken apart. Pure.
namespace mcpstate::mcp {

struct http_url {
  http_url() {}
  bool tls = false;
  std::string host;       // to resolve and verify: no brackets
  std::string port;       // decimal
  std::string authority;  // for Host: exactly as the URL has it (servers compare it)
  std::string target;     // path and query as they are; "/" for an empty path
  std::string shown;      // without user-info, query and fragment
};
// bad_url for anything but an http or https URL with a host and without user-info. The text never holds a part of the URL
// that could be a secret.
[[nodiscard]] result<http_url> parse_http_url(std::string_view text);

// Whether a text may be a URL with a host, or a relative reference: visible ASCII, and // behind a scheme. Boost.URL (1.81)
// must not see anything else: some of it ends the program.
[[nodiscard]] bool may_be_url(std::string_view text) noexcept;

}  // namespace mcpstate::mcp
