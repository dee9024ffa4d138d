// SPDX-License-Identifier: MIT
#pragma once
#include "cli/words/arguments.hh"

namespace CLI {
class App;
}

namespace mcpstate::cli {

// The commands that have to do with the HTTP service: serve, token and servers.
void describe_service_commands(CLI::App& root, arguments& args);

}  // namespace mcpstate::cli
