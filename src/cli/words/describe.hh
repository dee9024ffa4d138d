// SPDX-License-Identifier: MIT
#pragma once
#include "cli/words/arguments.hh"

namespace CLI {
class App;
}

namespace mcpstate::cli {

// Describes the whole command line: the commands, their options and their help. Parsing writes into `args`, which must outlive
// the app.
void describe(CLI::App& app, arguments& args);

}  // namespace mcpstate::cli
