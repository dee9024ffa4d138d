// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "cli/words/arguments.hh"

namespace mcpstate::cli {

// What to do after parsing.
struct parsed_line {
  enum class outcome { run, help, wrong } what = outcome::run;
  arguments args;
  std::string text;  // help: what was asked for; wrong: one line
};

// words: without the program's name.
[[nodiscard]] parsed_line parse_command_line(std::vector<std::string> words);

}  // namespace mcpstate::cli
