// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string_view>

#include "service/dashboard/asset.hh"

namespace mcpstate::service {

// "/openapi.json": the OpenAPI 3.1 document of the HTTP API (src/service/routes/openapi.json), inside the program.
[[nodiscard]] std::optional<asset> openapi_asset(std::string_view path);

}  // namespace mcpstate::service
