// SPDX-License-Identifier: MIT
#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/main_program.hh"
#include "cli/reach/hangups.hh"

int main(int argc, char** argv) {
  mcpstate::cli::hold_hangups();
  // A child or a peer that goes away is an error of one write, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  // Likewise a file that may not grow (ulimit -f): the embedded store reports it as what it is, a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return mcpstate::cli::main_program(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "mcpstate: internal error: %s\n", e.what());
    return 1;
  }
}
