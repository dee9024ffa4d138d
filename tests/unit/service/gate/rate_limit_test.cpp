// SPDX-License-Identifier: MIT
#include "service/gate/rate_limit.hh"

#include <gtest/gtest.h>

#include <random>

#include "support/seed.hh"

namespace mcpstate::service {
namespace {

using namespace std::chrono_literals;
using time_point = rate_limit::time_point;
constexpr time_point start{};

TEST(RateLimit, AllowsABurstAndThenTheRate) {
  rate_limit limit(10, 3);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.take("a", start)) << i;
  EXPECT_EQ(limit.take("a", start), 100ms);
  EXPECT_EQ(limit.take("a", start + 40ms), 60ms);
  EXPECT_FALSE(limit.take("a", start + 100ms));
  EXPECT_EQ(limit.take("a", start + 100ms), 100ms);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.take("a", start + 1h)) << i;
  EXPECT_TRUE(limit.take("a", start + 1h));
}

TEST(RateLimit, CountsEachKeyAlone) {
  rate_limit limit(1, 1);
  EXPECT_FALSE(limit.take("a", start));
  EXPECT_FALSE(limit.take("b", start));
  EXPECT_TRUE(limit.take("a", start));
  EXPECT_TRUE(limit.take("b", start));
}

TEST(RateLimit, AllowsARequestAfterTheAnnouncedWait) {
  std::mt19937_64 random(test::seed());
  for (const double rate : {0.001, 0.3, 1.0, 7.0, 333.0, 100'000.0}) {
    rate_limit limit(rate, 2);
    auto now = start;
    for (int i = 0; i < 2000; ++i) {
      now += std::chrono::microseconds(random() % 2000);
      const auto wait = limit.take("a", now);
      if (!wait) continue;
      EXPECT_GE(*wait, 1ms);
      now += *wait;
      EXPECT_FALSE(limit.take("a", now)) << rate << " " << i;
    }
  }
}

TEST(RateLimit, NeverExceedsTheRateInAnyOrder) {
  std::mt19937_64 random(test::seed());
  rate_limit limit(100, 5);
  auto now = start;
  int allowed = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += std::chrono::microseconds(random() % 1000);
    allowed += limit.take("a", now) ? 0 : 1;
  }
  const std::chrono::duration<double> all = now - start;
  EXPECT_LE(allowed, all.count() * 100 + 6);
  EXPECT_GE(allowed, all.count() * 100 - 1);
}

TEST(RateLimit, IsOffAtZero) {
  rate_limit limit(0, 0);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(limit.take("a", start));
  EXPECT_EQ(limit.buckets(), 0U);
}

TEST(RateLimit, GrantsNothingWhenTimeGoesBack) {
  rate_limit limit(10, 1);
  EXPECT_FALSE(limit.take("a", start + 10s));
  EXPECT_EQ(limit.take("a", start), 100ms);
  EXPECT_EQ(limit.take("a", start + 10s), 100ms);
  EXPECT_FALSE(limit.take("a", start + 10s + 100ms));
}

TEST(RateLimit, BoundsTheNumberOfBuckets) {
  rate_limit limit(0.001, 1, 100);
  EXPECT_FALSE(limit.take("busy", start));
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_FALSE(limit.take(std::to_string(i), start + 1ms * i));
    EXPECT_TRUE(limit.take("busy", start + 1ms * i)) << "one that keeps asking is not forgotten";
    EXPECT_LE(limit.buckets(), 100U);
  }
  EXPECT_FALSE(limit.take("0", start + 10s)) << "one that stopped long ago is";
}

}  // namespace
}  // namespace mcpstate::service
