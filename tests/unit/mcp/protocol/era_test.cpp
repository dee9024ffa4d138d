// SPDX-License-Identifier: MIT
#include <mcpstate/mcp/era.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "aio/backoff.hh"
#include "mcp/transport/restart_guard.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;
using clock = era_memory::clock;

const clock::time_point start = clock::time_point() + 1000h;

TEST(Era, HasANameForEachChoice) {
  EXPECT_EQ(name_of(era::modern), "modern");
  EXPECT_EQ(name_of(era::legacy), "legacy");
  EXPECT_EQ(name_of(era::sse), "sse");
  EXPECT_EQ(parse_era_choice("auto"), era_choice::automatic);
  EXPECT_EQ(parse_era_choice("modern"), era_choice::modern);
  EXPECT_EQ(parse_era_choice("legacy"), era_choice::legacy);
  EXPECT_EQ(parse_era_choice("sse"), era_choice::sse);
  for (const char* const name : {"", "Auto", "automatic", "legacy "}) EXPECT_FALSE(parse_era_choice(name).has_value());
}

TEST(EraMemory, KeepsVerdictsByServer) {
  era_memory memory;
  EXPECT_FALSE(memory.find("a", start).has_value());
  memory.keep("a", era::legacy, start);
  memory.keep("b", era::modern, start);
  EXPECT_EQ(memory.find("a", start), era::legacy);
  EXPECT_EQ(memory.find("b", start), era::modern);
  memory.keep("a", era::sse, start);
  EXPECT_EQ(memory.find("a", start), era::sse);
  EXPECT_EQ(memory.size(), 2U);
  memory.forget("a");
  memory.forget("nobody");
  EXPECT_FALSE(memory.find("a", start).has_value());
  EXPECT_EQ(memory.find("b", start), era::modern);
}

TEST(EraMemory, ForgetsOldEraVerdictsAfterADay) {
  era_memory memory;
  memory.keep("l", era::legacy, start);
  memory.keep("s", era::sse, start);
  memory.keep("m", era::modern, start);
  const auto nearly = start + 24h - 1ms;
  EXPECT_EQ(memory.find("l", nearly), era::legacy);
  EXPECT_EQ(memory.find("s", nearly), era::sse);
  EXPECT_FALSE(memory.find("l", start + 24h).has_value());
  EXPECT_FALSE(memory.find("s", start + 24h).has_value());
  EXPECT_EQ(memory.find("m", start + 1000h), era::modern);
  memory.keep("l", era::legacy, start + 24h);  // found out again: another day
  EXPECT_EQ(memory.find("l", start + 47h), era::legacy);
}

TEST(EraMemory, IsBoundedAndDropsTheOldest) {
  era_memory memory;
  for (int i = 0; i < 10'000; ++i) {
    // The oldest one is not the first by name.
    memory.keep("server " + std::to_string(i), era::modern, i == 5000 ? start - 1h : start + std::chrono::seconds(i));
  }
  EXPECT_EQ(memory.size(), 10'000U);
  memory.keep("server 7", era::legacy, start + 9h);  // known: nobody has to go
  EXPECT_EQ(memory.size(), 10'000U);
  EXPECT_TRUE(memory.find("server 5000", start).has_value());
  memory.keep("another", era::modern, start + 9h);
  EXPECT_EQ(memory.size(), 10'000U);
  EXPECT_FALSE(memory.find("server 5000", start).has_value());
  EXPECT_TRUE(memory.find("server 0", start).has_value());
  EXPECT_TRUE(memory.find("another", start).has_value());
  memory.keep("yet another", era::modern, start + 9h);
  EXPECT_FALSE(memory.find("server 0", start).has_value());
}

TEST(RestartGuard, AllowsFiveRestartsAMinute) {
  restart_guard guard;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(guard.allow(start + std::chrono::seconds(i * 10))) << i;
  EXPECT_FALSE(guard.allow(start + 50s));
  EXPECT_FALSE(guard.allow(start + 60s - 1ms));
  EXPECT_TRUE(guard.allow(start + 60s));  // the first is a minute ago; those refused do not count
  EXPECT_FALSE(guard.allow(start + 69s));
  EXPECT_TRUE(guard.allow(start + 70s));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(guard.allow(start + 10min)) << i;
  EXPECT_FALSE(guard.allow(start + 10min));
}

}  // namespace
}  // namespace mcpstate::mcp
