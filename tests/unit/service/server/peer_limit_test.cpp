// SPDX-License-Identifier: MIT
// How often one address may connect.
#include "service/server/peer_limit.hh"

#include <gtest/gtest.h>

namespace mcpstate::service {
namespace {

using namespace std::chrono_literals;

const rate_limit::time_point first_moment{};

boost::asio::ip::address address(const std::string& text) { return boost::asio::ip::make_address(text); }

// How many of 100 connections in one moment are allowed.
int allowed(peer_limit& limit, const std::string& peer, rate_limit::time_point now = first_moment) {
  int out = 0;
  for (int n = 0; n < 100; ++n) out += limit.take(address(peer), now) ? 0 : 1;
  return out;
}

TEST(PeerLimit, LetsNoAddressTakeTheConnectionsOfAnother) {
  peer_limit limit(10, 20);
  EXPECT_EQ(allowed(limit, "198.51.100.7"), 20);
  EXPECT_EQ(allowed(limit, "198.51.100.8"), 20);
  EXPECT_EQ(allowed(limit, "2001:db8:1::1"), 20);
  EXPECT_EQ(allowed(limit, "198.51.100.7", first_moment + 1s), 10);
  EXPECT_GT(limit.take(address("198.51.100.7"), first_moment + 1s).value(), 0ms);
}

TEST(PeerLimit, CountsTheNetworkOfACustomerAsOne) {
  peer_limit limit(10, 20);
  EXPECT_EQ(allowed(limit, "2001:db8:1:2::1"), 20);
  EXPECT_EQ(allowed(limit, "2001:db8:1:2:ffff::9"), 0);
  EXPECT_EQ(allowed(limit, "2001:db8:1:3::1"), 20);
  EXPECT_EQ(allowed(limit, "fe80::1%1"), 20);
}

TEST(PeerLimit, CountsAnAddressOnceHoweverItIsWritten) {
  peer_limit limit(10, 20);
  EXPECT_EQ(allowed(limit, "198.51.100.7"), 20);
  EXPECT_EQ(allowed(limit, "::ffff:198.51.100.7"), 0);
}

TEST(PeerLimit, LeavesTrustedProxiesAlone) {
  peer_limit limit(10, 20);
  for (const char* text : {"127.0.0.0/8", "::1", "10.1.0.0/16", "192.0.2.9", "fd00::/8"})
    EXPECT_TRUE(limit.exempt(text)) << text;
  for (const char* peer : {"127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "192.0.2.9", "fd12::7", "::ffff:10.1.2.3"})
    EXPECT_EQ(allowed(limit, peer), 100) << peer;
  for (const char* peer : {"128.0.0.1", "::2", "10.2.2.3", "192.0.2.10", "fe12::7"})
    EXPECT_EQ(allowed(limit, peer), 20) << peer;
}

TEST(PeerLimit, TakesNoWholeOfIPv6ForIPv4) {
  peer_limit limit(10, 20);
  EXPECT_TRUE(limit.exempt("::/0"));
  EXPECT_EQ(allowed(limit, "2001:db8::1"), 100);
  EXPECT_EQ(allowed(limit, "198.51.100.7"), 20);
}

TEST(PeerLimit, RefusesWhatIsNoAddress) {
  peer_limit limit(10, 20);
  for (const char* text : {"", "proxy.example", "10.0.0.0/33", "10.0.0", "fd00::/129", "10.0.0.0/", "/8", "*"}) {
    const auto refused = limit.exempt(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code(), errc::bad_argument);
  }
}

TEST(PeerLimit, HasNoLimitWithoutARate) {
  peer_limit limit(0, 1);
  EXPECT_EQ(allowed(limit, "198.51.100.7"), 100);
}

}  // namespace
}  // namespace mcpstate::service
