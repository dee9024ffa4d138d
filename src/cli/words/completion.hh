// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace mcpstate::cli {

// The script that completes our commands, options and values in "bash" or "zsh"; made from the same description of the
// command line that parses it.
[[nodiscard]] std::string completion_script(const std::string& shell);

}  // namespace mcpstate::cli
