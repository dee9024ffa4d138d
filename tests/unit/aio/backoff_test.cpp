// SPDX-License-Identifier: MIT
#include "aio/backoff.hh"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace mcpstate::aio {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheLongest) {
  for (int failures = 1; failures <= 60; ++failures) {
    const auto whole = failures >= 6 ? 30'000ms : 1000ms * (1 << (failures - 1));
    for (int i = 0; i < 50; ++i) {
      const auto wait = backoff(failures, 1s, 30s);
      EXPECT_GE(wait, whole / 2) << failures;
      EXPECT_LE(wait, whole) << failures;
    }
  }
}

TEST(Backoff, ScalesTheWaitByTheDrawnJitter) {
  for (const auto& [failures, whole] : {std::pair{1, 1000ms}, {2, 2000ms}, {5, 16'000ms}, {6, 30'000ms}, {99, 30'000ms}}) {
    EXPECT_EQ(mcpstate::backoff(failures, 1s, 30s, 0.0), 0ms) << failures;
    EXPECT_EQ(mcpstate::backoff(failures, 1s, 30s, 0.25), whole / 4) << failures;
    EXPECT_EQ(mcpstate::backoff(failures, 1s, 30s, 1.0), whole) << failures;
  }
}

TEST(Backoff, SpreadsWaitsByChance) {
  std::set<std::chrono::milliseconds> seen;
  for (int i = 0; i < 100; ++i) seen.insert(backoff(1, 1s, 30s));
  EXPECT_GT(seen.size(), 10U);
}

TEST(Backoff, AcceptsAnyNumberOfFailures) {
  for (const int failures : {-1, 0, 1}) {
    const auto wait = backoff(failures, 200ms, 5s);
    EXPECT_GE(wait, 100ms);
    EXPECT_LE(wait, 200ms);
  }
  EXPECT_LE(backoff(1'000'000, 300s, 300s), 300s);
  EXPECT_EQ(backoff(3, 0ms, 5s), 0ms);
}

}  // namespace
}  // namespace mcpstate::aio
