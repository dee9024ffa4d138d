// SPDX-License-Identifier: MIT
// Ends the program in which a turn broke a rule, and says what it was. Where MCPSTATE_TURNS names a file, a program that ends by
// itself appends a line about its turns to it.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "support/turns/turns.hh"

namespace mcpstate::test {

namespace {

class totals_at_end {
 public:
  ~totals_at_end() {
    const char* const name = std::getenv("MCPSTATE_TURNS");
    const turn_totals all = all_turns();
    if (name == nullptr || all.turns == 0) return;
    std::FILE* const file = std::fopen(name, "a");
    if (file == nullptr) return;
    std::fprintf(file, "{\"process\":%d,\"turns\":%llu,\"longest_ms\":%.2f}\n", ::getpid(), all.turns,
                 static_cast<double>(all.longest.count()) / 1e6);
    std::fclose(file);
  }
};

const totals_at_end at_end;

}  // namespace

void on_turn_fault(turn_fault fault) {
  std::fprintf(stderr, "mcpstate: %s", fault.text().c_str());
  std::abort();
}

}  // namespace mcpstate::test
