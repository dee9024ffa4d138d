// SPDX-License-Identifier: MIT
#include "redis/topology/endpoint.hh"

#include <gtest/gtest.h>

namespace mcpstate::redis {
namespace {

using naming = announced_endpoint::naming;

std::string show(const announced_endpoint& said) {
  switch (said.kind) {
    case naming::given:
      return said.host + " " + std::to_string(said.port);
    case naming::same_host:
      return "same " + std::to_string(said.port);
    case naming::unknown:
      return "unknown";
  }
  return "";
}

TEST(Announcement, IsSplitAtTheLastColon) {
  EXPECT_EQ(show(announce("127.0.0.1:6381")), "127.0.0.1 6381");
  EXPECT_EQ(show(announce("::1:6381")), "::1 6381");
  EXPECT_EQ(show(announce("2001:db8::ff:1:7000")), "2001:db8::ff:1 7000");
  EXPECT_EQ(show(announce("fe80::1%eth0:7000")), "fe80::1%eth0 7000");
  EXPECT_EQ(show(announce("[::1]:6381")), "::1 6381");
  EXPECT_EQ(show(announce("redis-0.redis.default.svc:6379")), "redis-0.redis.default.svc 6379");
}

TEST(Announcement, OfNoHostMeansTheSameHost) { EXPECT_EQ(show(announce(":6379")), "same 6379"); }

TEST(Announcement, OfAQuestionMarkIsNeverAHost) {
  EXPECT_EQ(show(announce("?:6379")), "unknown");
  EXPECT_EQ(show(announce("?", 6379)), "unknown");
}

TEST(Announcement, ThatCannotBeAnEndpointIsUnknown) {
  for (const std::string_view text :
       {"", "6379", "host", "host:", "host:0", "host:65536", "host:-1", "host:+1", "host:6379 ", "host:63 79", "a b:1",
        "a/b:1", "user@host:1", "h\x01st:1", "host:6379\r\nX", "[]:1", "h\xc3\xb6st:1"}) {
    EXPECT_EQ(show(announce(text)), "unknown") << text;
  }
  EXPECT_EQ(show(announce(std::string(254, 'a') + ":1")), "unknown");
  EXPECT_EQ(show(announce("host", 65536)), "unknown");
}

TEST(Announcement, KnowsOneNameInBothCases) { EXPECT_EQ(announce("Redis-0.Example:1").host, "redis-0.example"); }

TEST(Endpoint, IsShownWithBracketsAroundAnIpv6Address) {
  EXPECT_EQ(shown(endpoint("localhost", 6379)), "localhost:6379");
  EXPECT_EQ(shown(endpoint("::1", 6379)), "[::1]:6379");
}

TEST(Endpoint, OfTheSameHostIsWhereTheAskedNodeWasReached) {
  const endpoint asked("outside.example", 7000);
  EXPECT_EQ(resolve(announce(":6379"), asked, nat_map()), endpoint("outside.example", 6379));
  EXPECT_EQ(resolve(announce("10.0.0.1:6379"), asked, nat_map()), endpoint("10.0.0.1", 6379));
  EXPECT_EQ(resolve(announce("?:6379"), asked, nat_map()), std::nullopt);
}

TEST(NatMap, LeadsFromInsideToOutside) {
  const auto nat = nat_map::parse("10.0.0.1:6379=nat.example:7001,10.0.0.2:6379=nat.example:7002,fd00::3:6379=[::1]:7003");
  ASSERT_TRUE(nat);
  EXPECT_EQ(nat->outside(endpoint("10.0.0.1", 6379)), endpoint("nat.example", 7001));
  EXPECT_EQ(nat->outside(endpoint("fd00::3", 6379)), endpoint("::1", 7003));
  EXPECT_EQ(nat->outside(endpoint("10.0.0.1", 6380)), endpoint("10.0.0.1", 6380));
  EXPECT_EQ(resolve(announce("10.0.0.2:6379"), endpoint("nat.example", 7001), *nat), endpoint("nat.example", 7002));
}

TEST(NatMap, LeadsTheSameHostOutsideToo) {
  const auto nat = nat_map::parse("10.0.0.1:6380=nat.example:7009");
  ASSERT_TRUE(nat);
  EXPECT_EQ(resolve(announce(":6380"), endpoint("10.0.0.1", 6379), *nat), endpoint("nat.example", 7009));
}

TEST(NatMap, CanBeEmpty) {
  const auto nat = nat_map::parse("");
  ASSERT_TRUE(nat);
  EXPECT_TRUE(nat->empty());
}

TEST(NatMap, RefusesWhatIsNoListOfPairs) {
  for (const std::string_view text : {"a:1", "a:1=", "=b:2", "a:1=b", "a=b:2", "a:1=b:2,", ",a:1=b:2", "a:1=b:2,a:1=c:3",
                                      "a:1=?:2", ":1=b:2", "a:1=:2", "a:1=b:2;c:3=d:4"}) {
    const auto nat = nat_map::parse(text);
    ASSERT_FALSE(nat) << text;
    EXPECT_EQ(nat.error().code(), errc::bad_argument) << text;
  }
}

}  // namespace
}  // namespace mcpstate::redis
