// SPDX-License-Identifier: MIT
#include "cli/view/text.hh"

#include <gtest/gtest.h>

namespace mcpstate::cli {
namespace {

using namespace std::chrono_literals;

const timestamp now = timestamp{} + 500'000h;

TEST(RelativeTime, PicksTheUnitThatReadsBest) {
  EXPECT_EQ(relative_time(now, now), "now");
  EXPECT_EQ(relative_time(now - 400ms, now), "now");
  EXPECT_EQ(relative_time(now - 600ms, now), "1 s ago");
  EXPECT_EQ(relative_time(now - 59s, now), "59 s ago");
  EXPECT_EQ(relative_time(now - 60s, now), "1 min ago");
  EXPECT_EQ(relative_time(now - 3min, now), "3 min ago");
  EXPECT_EQ(relative_time(now - 5h, now), "5 h ago");
  EXPECT_EQ(relative_time(now - 47h, now), "47 h ago");
  EXPECT_EQ(relative_time(now - 48h, now), "2 d ago");
  EXPECT_EQ(relative_time(now - 24h * 400, now), "400 d ago");
}

TEST(RelativeTime, RoundsUpIntoTheNextUnit) {
  EXPECT_EQ(relative_time(now - 59700ms, now), "1 min ago");
  EXPECT_EQ(relative_time(now - 59min - 40s, now), "1 h ago");
}

TEST(RelativeTime, ShowsTimesToCome) {
  EXPECT_EQ(relative_time(now + 23h, now), "in 23 h");
  EXPECT_EQ(relative_time(now + 24h - 1s, now), "in 24 h");
  EXPECT_EQ(relative_time(std::optional<timestamp>(), now), "-");
}

TEST(DisplayWidth, KnowsWideAndCombiningCharacters) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("naïve"), 5U);
  EXPECT_EQ(display_width("nai\xcc\x88ve"), 5U);
  EXPECT_EQ(display_width("猫"), 2U);
  EXPECT_EQ(display_width("🐈"), 2U);
}

TEST(CutToWidth, EndsWithAnEllipsisWithinTheWidth) {
  EXPECT_EQ(cut_to_width("short", 5), "short");
  EXPECT_EQ(cut_to_width("longer", 5), "long…");
  EXPECT_EQ(cut_to_width("猫猫猫", 5), "猫猫…");
  EXPECT_EQ(cut_to_width("猫猫猫", 4), "猫…");
  EXPECT_EQ(cut_to_width("x", 0), "");
}

TEST(Amounts, UsePluralsAndUnits) {
  EXPECT_EQ(counted(1, "tool"), "1 tool");
  EXPECT_EQ(counted(0, "tool"), "0 tools");
  EXPECT_EQ(bytes_text(812), "812 B");
  EXPECT_EQ(bytes_text(4200), "4.1 KB");
  EXPECT_EQ(bytes_text(16u * 1024 * 1024), "16 MB");
  EXPECT_EQ(duration_text(24h), "24 h");
  EXPECT_EQ(duration_text(90s), "1 min 30 s");
  EXPECT_EQ(duration_text(500ms), "500 ms");
}

}  // namespace
}  // namespace mcpstate::cli
