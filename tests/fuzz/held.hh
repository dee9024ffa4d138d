// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include "fuzz/expect.hh"
#include "support/heap_peak.hh"

// What a parser holds at most while it works, whoever wrote the bytes: three times the bytes that it was given (after
// decoding), and what it needs for itself.
#define MCPSTATE_FUZZ_EXPECT_HELD(BYTES, OWN_BYTES, WORK)             \
  do {                                                                \
    const mcpstate::test::heap_peak heap_;                            \
    WORK;                                                             \
    MCPSTATE_FUZZ_EXPECT(heap_.bytes() <= 3 * (BYTES) + (OWN_BYTES)); \
  } while (false)
