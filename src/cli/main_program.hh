// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

namespace mcpstate::cli {

// The whole program, from its words to its exit code. Writes to standard output and standard error.
[[nodiscard]] int main_program(std::vector<std::string> words);

}  // namespace mcpstate::cli
