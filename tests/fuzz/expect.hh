// SPDX-License-Identifier: MIT
#pragma once
#include <cstdlib>
#include <iostream>

// What a fuzz target claims; a false claim ends the program, which the fuzzer and the replay both report.
#define MCPSTATE_FUZZ_EXPECT(CLAIM)                                                \
  do {                                                                             \
    if (!(CLAIM)) {                                                                \
      std::cerr << __FILE__ << ":" << __LINE__ << ": false: " #CLAIM << std::endl; \
      std::abort();                                                                \
    }                                                                              \
  } while (false)
