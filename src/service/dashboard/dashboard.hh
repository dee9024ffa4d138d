// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string_view>

#include "service/dashboard/asset.hh"

// The dashboard: a page, its style and its scripts, which use the HTTP API and nothing else. Pure; from any thread.
namespace mcpstate::service {

// The file that a request path names ("/", "/app.js", …; exact, no query); absent: not one of the dashboard's.
[[nodiscard]] std::optional<asset> dashboard_asset(std::string_view path);

// The headers that go with every such file, beside its type and etag. The page needs no more than this, and shows words of
// strangers: nothing but its own files may run, and nobody may frame it.
inline constexpr std::string_view dashboard_security_policy =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
inline constexpr std::string_view dashboard_cache_control = "no-cache";  // ask each time; the etag makes that cheap

}  // namespace mcpstate::service
