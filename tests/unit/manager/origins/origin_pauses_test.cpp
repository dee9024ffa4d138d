// SPDX-License-Identifier: MIT
#include "manager/origins/origin_pauses.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

using namespace std::chrono_literals;

error busy(std::optional<std::chrono::seconds> wait, unsigned status = 429) {
  error out(errc::http_status, "the server answered HTTP", "of one owner only");
  out.set_http_status(status, wait);
  return out;
}

class OriginPauses : public testing::Test {
 protected:
  origin_pauses::clock::time_point now{1h};
  origin_pauses pauses{5min};
};

TEST_F(OriginPauses, HoldForTheWholeOriginUntilTheirTime) {
  EXPECT_FALSE(pauses.find("a", now));
  pauses.note_failure("a", busy(20s), now);
  const auto found = pauses.find("a", now + 5s);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->retry_after(), 15s) << "what is left of it";
  EXPECT_EQ(found->http_status(), 429U);
  EXPECT_FALSE(pauses.find("b", now));
  EXPECT_TRUE(pauses.find("a", now + 19999ms));
  EXPECT_FALSE(pauses.find("a", now + 20s));
}

TEST_F(OriginPauses, NeverTellOneOwnerWhatAnotherWasTold) {
  pauses.note_failure("a", busy(20s), now);
  EXPECT_EQ(pauses.find("a", now)->peer_text(), "");
}

TEST_F(OriginPauses, AreOnlyForThoseWhoAsk) {
  pauses.note_failure("a", busy(std::nullopt), now);
  pauses.note_failure("a", busy(0s), now);
  pauses.note_failure("a", error(errc::connect_failed, "refused"), now);
  EXPECT_FALSE(pauses.find("a", now));
}

TEST_F(OriginPauses, AreNotShortenedByALaterAnswer) {
  pauses.note_failure("a", busy(60s, 503), now);
  pauses.note_failure("a", busy(1s), now + 1s);
  EXPECT_TRUE(pauses.find("a", now + 59s));
  pauses.note_failure("a", busy(60s), now + 30s);
  EXPECT_TRUE(pauses.find("a", now + 89s)) << "but lengthened";
}

TEST_F(OriginPauses, AreBounded) {
  pauses.note_failure("a", busy(std::chrono::seconds(999'999'999)), now);
  EXPECT_TRUE(pauses.find("a", now + 299s));
  EXPECT_FALSE(pauses.find("a", now + 5min));
}

}  // namespace
}  // namespace mcpstate
