// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string_view>

#include "service/dashboard/asset.hh"

namespace mcpstate::service {

// The OpenAPI 3.1 document of the HTTP API (src/service/routes/openapi.json), which is part of the program. Absent for any
// path but "/openapi.json".
[[nodiscard]] std::optional<asset> openapi_asset(std::string_view path);

}  // namespace mcpstate::service
