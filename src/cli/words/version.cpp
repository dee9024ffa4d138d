// SPDX-License-Identifier: MIT
#include "cli/words/version.hh"

namespace mcpstate::cli {

const char* version_text() noexcept { return MCPSTATE_VERSION; }

}  // namespace mcpstate::cli
