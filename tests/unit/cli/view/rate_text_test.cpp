// SPDX-License-Identifier: MIT
#include "cli/view/rate_text.hh"

#include <gtest/gtest.h>

namespace mcpstate::cli {

TEST(RateText, HasABarAndWhatIsLeft) {
  using namespace std::chrono_literals;
  EXPECT_EQ(rate_text("restoring", 12'500, 50'000, "record", 1s),
            "restoring [#####---------------]  25 %  12500 of 50000 records, 12500/s, 4 s left");
  EXPECT_EQ(rate_text("restoring", 50'000, 50'000, "record", 4s),
            "restoring [####################] 100 %  50000 of 50000 records, 12500/s");
  EXPECT_EQ(rate_text("checking", 1, 1, "byte", 1ms), "checking [####################] 100 %  1 of 1 byte");
}

TEST(RateText, SaysNoMoreThanIsKnown) {
  using namespace std::chrono_literals;
  EXPECT_EQ(rate_text("backing up", 900, std::nullopt, "owner", 3s), "backing up 900 owners, 300/s");
  EXPECT_EQ(rate_text("backing up", 0, std::nullopt, "owner", 3s), "backing up 0 owners");
  EXPECT_EQ(rate_text("backing up", 12, 10, "owner", 0s), "backing up [####################] 100 %  12 of 12 owners");
}

}  // namespace mcpstate::cli
