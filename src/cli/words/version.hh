// SPDX-License-Identifier: MIT
#pragma once

namespace mcpstate::cli {

[[nodiscard]] const char* version_text() noexcept;

}  // namespace mcpstate::cli
