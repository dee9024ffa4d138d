// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string_view>

#include "service/dashboard/asset.hh"

// The dashboard: a page, its style and its scripts, which use the HTTP API and nothing else. Pure; from any thread.
namespace mcpstate::service {

// The file of a request path ("/", "/app.js", …; exact, without a query). Absent when the dashboard has no such file.
[[nodiscard]] std::optional<asset> dashboard_asset(std::string_view path);

// Header fields of every such file, beside its type and etag. The page shows foreign text, so nothing but its own files may
// run, and no other page may frame it.
inline constexpr std::string_view dashboard_security_policy =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
inline constexpr std::string_view dashboard_cache_control =
    "no-cache";  // browsers revalidate each time; the etag makes that cheap

}  // namespace mcpstate::service
