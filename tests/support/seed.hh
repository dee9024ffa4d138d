// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace mcpstate::test {

// The seed of random tests: MCPSTATE_SEED when it is set, else a new one for each run of a program. Printed at its first
// use, so that a failure can be repeated.
[[nodiscard]] inline std::uint64_t seed() {
  static const std::uint64_t chosen = [] {
    const char* given = std::getenv("MCPSTATE_SEED");
    const std::uint64_t value = given != nullptr && *given != '\0' ? std::stoull(given) : std::random_device()();
    std::cout << "MCPSTATE_SEED=" << value << std::endl;
    return value;
  }();
  return chosen;
}

}  // namespace mcpstate::test
