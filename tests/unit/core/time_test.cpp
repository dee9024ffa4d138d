// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include <mcpstate/core/time.hpp>

#include "support/seed.hh"

namespace mcpstate {
namespace {

timestamp at(std::int64_t micros) { return timestamp(std::chrono::microseconds(micros)); }

struct golden {
  std::int64_t micros;
  const char* text;
};
// Cross-checked with Python: datetime.fromtimestamp(…, timezone.utc).isoformat(timespec="microseconds").
constexpr golden goldens[] = {
    {1795357859553780, "2026-11-22T14:30:59.553780+00:00"},
    {0, "1970-01-01T00:00:00.000000+00:00"},
    {-1, "1969-12-31T23:59:59.999999+00:00"},
    {951782400000001, "2000-02-29T00:00:00.000001+00:00"},
    {4107542399999999, "2100-02-28T23:59:59.999999+00:00"},
    {-62135596800000000, "0001-01-01T00:00:00.000000+00:00"},
    {253402300799999999, "9999-12-31T23:59:59.999999+00:00"},
};

TEST(Time, WritesTheFormThatOtherProgramsRead) {
  for (const golden& g : goldens) EXPECT_EQ(to_iso8601(at(g.micros)), g.text);
}

TEST(Time, AlwaysWrites32Bytes) {
  EXPECT_EQ(to_iso8601(timestamp::max()), "9999-12-31T23:59:59.999999+00:00");
  EXPECT_EQ(to_iso8601(timestamp::min()), "0001-01-01T00:00:00.000000+00:00");
}

TEST(Time, ReadsBackWhatItWrites) {
  for (const golden& g : goldens) {
    const auto read = from_iso8601(g.text);
    ASSERT_TRUE(read) << g.text;
    EXPECT_EQ(read->time, at(g.micros)) << g.text;
    EXPECT_FALSE(read->naive);
  }
}

TEST(Time, RoundTripsRandomTimes) {
  std::mt19937_64 random(test::seed());
  std::uniform_int_distribution<std::int64_t> any(-62135596800000000, 253402300799999999);
  for (int i = 0; i < 100'000; ++i) {
    const timestamp t = at(any(random));
    const auto read = from_iso8601(to_iso8601(t));
    ASSERT_TRUE(read) << to_iso8601(t);
    ASSERT_EQ(read->time, t) << to_iso8601(t);
  }
}

struct accepted {
  const char* text;
  std::int64_t micros;
  bool naive;
};
constexpr std::int64_t noon = 1795348800000000;  // 2026-11-22T12:00:00Z
constexpr accepted other_forms[] = {
    {"2026-11-22T12:00:00Z", noon, false},
    {"2026-11-22 12:00:00Z", noon, false},
    {"2026-11-22T12:00:00", noon, true},
    {"2026-11-22 12:00:00.5", noon + 500'000, true},
    {"2026-11-22T12:00:00.1Z", noon + 100'000, false},
    {"2026-11-22T12:00:00.123Z", noon + 123'000, false},
    {"2026-11-22T12:00:00.123456Z", noon + 123'456, false},
    {"2026-11-22T12:00:00.123456789Z", noon + 123'456, false},
    {"2026-11-22T12:00:00.999999999Z", noon + 999'999, false},
    {"2026-11-22T13:30:00+01:30", noon, false},
    {"2026-11-22T13:30:00+0130", noon, false},
    {"2026-11-22T07:00:00-05:00", noon, false},
    {"2026-11-23T00:00:00+12:00", noon, false},
    {"2026-11-22T12:00:00-00:00", noon, false},
};

TEST(Time, ReadsTheFormsThatOtherProgramsWrite) {
  for (const accepted& a : other_forms) {
    const auto read = from_iso8601(a.text);
    ASSERT_TRUE(read) << a.text;
    EXPECT_EQ(read->time, at(a.micros)) << a.text;
    EXPECT_EQ(read->naive, a.naive) << a.text;
  }
}

constexpr const char* refused[] = {
    "",
    "now",
    "1795348800",
    "2026-11-22",
    "2026-11-22T",
    "2026-11-22T12:00",
    "2026-11-22t12:00:00Z",
    "2026-11-22T12:00:00z",
    "2026-11-22_12:00:00Z",
    "2026-11-22T12:00:00.Z",
    "2026-11-22T12:00:00.1234567890Z",
    "2026-11-22T12:00:00,5Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T12:60:00Z",
    "2026-11-22T12:00:60Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "+2026-11-22T12:00:00Z",
    "-026-11-22T12:00:00Z",
    " 2026-11-22T12:00:00Z",
    "2026-11-22T12:00:00Z ",
    "2026-11-22T12:00:00ZZ",
    "2026-11-22T12:00:00+",
    "2026-11-22T12:00:00+1",
    "2026-11-22T12:00:00+24:00",
    "2026-11-22T12:00:00+01:60",
    "2026-11-22T12:00:00+01:0",
    "2026-11-22T12:00:00+-1:00",
    "2026-11-22T12:00:00 UTC",
    "2026-11-22T1 :00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
};

TEST(Time, RefusesOtherForms) {
  for (const char* text : refused) EXPECT_FALSE(from_iso8601(text)) << text;
  EXPECT_FALSE(from_iso8601(std::string("2026-11-22T12:00:00Z\0", 21)));
  EXPECT_FALSE(from_iso8601(std::string("2026-11-22T12:00:00\0", 20)));
  EXPECT_FALSE(from_iso8601(std::string(1'000'000, '2')));
}

// Every cut-off or damaged form is refused or read; none is read past its end (the bytes live in an exact-size buffer).
TEST(Time, ReadsDamagedFormsWithinTheirBytes) {
  const std::string whole = "2026-11-22T14:30:59.553780+00:00";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto bytes = std::make_unique<char[]>(length);
    std::copy_n(whole.data(), length, bytes.get());
    const auto read = from_iso8601(std::string_view(bytes.get(), length));
    EXPECT_EQ(read.has_value(), length == 19 || (length >= 21 && length <= 26)) << length;
  }
}

TEST(Time, FollowsTheSystemClock) {
  const timestamp before = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  const timestamp now = wall_clock().now();
  EXPECT_GE(now, before);
  EXPECT_LT(now - before, std::chrono::minutes(1));
}

}  // namespace
}  // namespace mcpstate
