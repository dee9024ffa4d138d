// SPDX-License-Identifier: MIT
#include "manager/servers/startup_times.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

using namespace std::chrono_literals;

TEST(StartupTimes, TheFirstStartOfACommandLineHasLongAndTheNextOnesLess) {
  startup_times times(120s, 30s);
  EXPECT_EQ(times.next("npx a", {}), 120s);
  times.started("npx a");
  EXPECT_EQ(times.next("npx a", {}), 30s);
  EXPECT_EQ(times.next("npx a b", {}), 120s);  // another one
}

TEST(StartupTimes, WhoWasEndedForItsSilenceHasMoreTimeEachTimeAndNeverLess) {
  startup_times times(120s, 30s);
  times.started("uvx b");
  for (const auto& expected : {30s, 60s, 120s, 240s, 480s, 600s, 600s}) {
    const auto given = times.next("uvx b", {});
    EXPECT_EQ(given, expected);
    times.ended_silent("uvx b", given);
  }
  times.started("uvx b");
  EXPECT_EQ(times.next("uvx b", {}), 30s);
}

TEST(StartupTimes, NoTimeShrinksAtItsEnd) {
  startup_times times(20min, 30s);
  times.ended_silent("c", 20min);
  EXPECT_EQ(times.next("c", {}), 20min);
}

TEST(StartupTimes, WhatTheServersFileSaysCounts) {
  startup_times times(120s, 30s);
  EXPECT_EQ(times.next("d", 5s), 5s);
  times.ended_silent("d", 5s);
  EXPECT_EQ(times.next("d", 5s), 5s);
  times.started("d");
  EXPECT_EQ(times.next("d", 200s), 200s);
}

}  // namespace
}  // namespace mcpstate
