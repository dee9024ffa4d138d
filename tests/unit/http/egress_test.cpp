// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <mcpstate/http/egress.hpp>

namespace mcpstate::http {
namespace {

using addresses = std::vector<boost::asio::ip::address>;

addresses parse(const std::vector<std::string>& texts) {
  addresses out;
  for (const std::string& text : texts) out.push_back(boost::asio::ip::make_address(text));
  return out;
}

bool lets(const egress_policy& policy, const std::string& address) {
  const auto checked = policy.check_addresses("h.example", parse({address}));
  if (!checked) {
    EXPECT_EQ(name_of(checked.error().code()), "forbidden_target") << address;
    EXPECT_TRUE(checked.error().is(cond::invalid));
    // Whoever may try a name is not told what it stands for inside.
    EXPECT_EQ(checked.error().full_text().find("leads to " + address), std::string::npos) << checked.error().full_text();
  }
  return checked.has_value();
}

egress_policy allowing(const std::vector<std::string>& what) {
  egress_policy out = egress_policy::strict();
  for (const std::string& one : what) EXPECT_TRUE(out.allow(one).has_value()) << one;
  return out;
}

// A range and its borders: the last address before it, its first, its last, and the first behind it. Neighbours that are
// forbidden for a reason of their own stand in a range of theirs.
struct border {
  const char* before;
  const char* first;
  const char* last;
  const char* behind;
};

constexpr border borders[] = {
    {nullptr, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
    {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
    {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
    {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
    {"168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"},
    {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
    {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
    {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
    {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
    {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
    {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
    {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
    {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
    {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
    {"223.255.255.255", "224.0.0.0", "239.255.255.255", nullptr},
    {nullptr, "240.0.0.0", "255.255.255.255", nullptr},
    {nullptr, "::", "::1", nullptr},
    {nullptr, "::2", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"},
    {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
    {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
    {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
    {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
    {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr},
    {nullptr, "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr},
    {nullptr, "fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr},
    {nullptr, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr},
    {nullptr, "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr},
    {nullptr, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr},
};

TEST(EgressPolicy, KnowsTheBordersOfEveryRange) {
  const egress_policy strict = egress_policy::strict();
  for (const border& one : borders) {
    EXPECT_FALSE(lets(strict, one.first)) << one.first;
    EXPECT_FALSE(lets(strict, one.last)) << one.last;
    if (one.before != nullptr) {
      EXPECT_TRUE(lets(strict, one.before)) << one.before;
    }
    if (one.behind != nullptr) {
      EXPECT_TRUE(lets(strict, one.behind)) << one.behind;
    }
  }
}

// IPv4 that comes as IPv6 is judged by the IPv4 address.
TEST(EgressPolicy, JudgesEmbeddedIpv4Addresses) {
  const egress_policy strict = egress_policy::strict();
  for (const border& one : borders) {
    if (std::string(one.first).find(':') != std::string::npos) continue;
    for (const std::string prefix : {"::ffff:", "64:ff9b::"}) {
      EXPECT_FALSE(lets(strict, prefix + one.first)) << prefix << one.first;
      EXPECT_FALSE(lets(strict, prefix + one.last)) << prefix << one.last;
      if (one.before != nullptr) {
        EXPECT_TRUE(lets(strict, prefix + one.before)) << prefix << one.before;
      }
      if (one.behind != nullptr) {
        EXPECT_TRUE(lets(strict, prefix + one.behind)) << prefix << one.behind;
      }
    }
  }
  EXPECT_FALSE(lets(strict, "64:ff9b:1::808:808"));  // a network's own NAT64
  EXPECT_FALSE(lets(strict, "::8.8.8.8"));           // IPv4-compatible, long dead
  EXPECT_FALSE(lets(strict, "::ffff:0:8.8.8.8"));    // translated
  EXPECT_FALSE(lets(strict, "2002:808:808::1"));     // 6to4
  EXPECT_FALSE(lets(strict, "2001:0:808:808::1"));   // Teredo
  EXPECT_FALSE(lets(strict, "fe80::1%1"));
}

TEST(EgressPolicy, AllowsPublicAddresses) {
  const egress_policy strict = egress_policy::strict();
  for (const char* const address : {"1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111",
                                    "2a00:1450:4001:82a::200e", "2001:4860:4860::8888", "2620:fe::fe"}) {
    EXPECT_TRUE(lets(strict, address)) << address;
    EXPECT_TRUE(lets(egress_policy(), address)) << address;
  }
}

TEST(EgressPolicy, RefusesANameWithOneForbiddenAddress) {
  const egress_policy strict = egress_policy::strict();
  EXPECT_TRUE(strict.check_addresses("h", parse({"1.1.1.1", "2606:4700:4700::1111"})).has_value());
  EXPECT_FALSE(strict.check_addresses("h", parse({"1.1.1.1", "10.0.0.1"})).has_value());
  EXPECT_FALSE(strict.check_addresses("h", parse({"::1", "1.1.1.1"})).has_value());
  const auto none = strict.check_addresses("h", {});
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), errc::resolve_failed);
  EXPECT_FALSE(egress_policy::open().check_addresses("h", {}).has_value());
}

TEST(EgressPolicy, OpenPolicyAllowsEverything) {
  const egress_policy open = egress_policy::open();
  for (const border& one : borders) EXPECT_TRUE(lets(open, one.first) && lets(open, one.last)) << one.first;
  EXPECT_TRUE(open.check_url("http://127.1:3000/mcp").has_value());
  EXPECT_TRUE(open.check_url("http://169.254.169.254/").has_value());
}

TEST(EgressPolicy, RequiresHttpsUnlessPlainHttpIsAllowed) {
  egress_policy policy = egress_policy::strict();
  const auto http = policy.check_url("http://h.example/mcp?key=s3cret");
  ASSERT_FALSE(http.has_value());
  EXPECT_EQ(http.error().code(), errc::forbidden_target);
  EXPECT_EQ(http.error().detail(), "only https URLs may be used here, and the URL for h.example is http");
  EXPECT_TRUE(policy.check_url("https://h.example/mcp").has_value());
  policy.plain_http = true;
  EXPECT_TRUE(policy.check_url("http://h.example/mcp").has_value());
  EXPECT_FALSE(policy.check_url("http://127.0.0.1/mcp").has_value());
  EXPECT_EQ(policy.check_url("ftp://h.example/").error().code(), errc::bad_url);
}

TEST(EgressPolicy, ChecksAddressesInUrls) {
  const egress_policy strict = egress_policy::strict();
  const auto code = [&](const std::string& host) {
    const auto checked = strict.check_url("https://" + host + "/mcp");
    return checked ? "fine" : std::string(name_of(checked.error().code()));
  };
  for (const char* const host : {"8.8.8.8", "[2606:4700:4700::1111]", "h.example", "h.example.", "localhost",
                                 "1password.com", "a.0xyz", "0x7f.example", "deadbeef", "7f000001a", "h.1a", "abc.0x7g"}) {
    EXPECT_EQ(code(host), "fine") << host;
  }
  for (const char* const host : {"127.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
                                 "[fe80::1]", "[fd00:ec2::254]", "169.254.169.254", "0.0.0.0", "255.255.255.255"}) {
    EXPECT_EQ(code(host), "forbidden_target") << host;
  }
  // What inet_aton takes for an address, public ones too; and what it does not, but others do.
  for (const char* const host :
       {"127.1",        "127.0.1",    "2130706433", "0x7f.1",      "0x7f000001",  "0X7F.0.0.1",
        "017700000001", "0177.0.0.1", "127.0.0.01", "127.0.0.1.",  "2130706433.", "0x7f.0x0.0x0.0x1",
        "8.8",          "134744072",  "010.8.8.8",  "0",           "0x",          "0x.",
        "1.2.3.4.5",    "256.1.1.1",  "1.1.1.256",  "h.example.1", "h.0x7f",      "99999999999"}) {
    EXPECT_EQ(code(host), "forbidden_target") << host;
  }
  EXPECT_EQ(strict.check_url("https://0x7f.1/").error().detail(),
            "the host 0x7f.1 is an IPv4 address in disguise; write it as four decimal numbers");
}

TEST(EgressPolicy, AllowsListedHosts) {
  const egress_policy policy = allowing({"MCP.internal", "other.example."});
  const auto private_ones = parse({"10.0.0.1", "169.254.169.254"});
  EXPECT_TRUE(policy.check_addresses("mcp.internal", private_ones).has_value());
  EXPECT_TRUE(policy.check_addresses("mcp.INTERNAL.", private_ones).has_value());
  EXPECT_TRUE(policy.check_addresses("other.example", private_ones).has_value());
  for (const char* const host : {"internal", "x.mcp.internal", "mcp.internal.evil.example", "mcpxinternal", "10.0.0.1"})
    EXPECT_FALSE(policy.check_addresses(host, private_ones).has_value()) << host;
  EXPECT_FALSE(policy.check_url("http://mcp.internal/").has_value());  // https all the same
}

TEST(EgressPolicy, AllowsListedNetworks) {
  const egress_policy policy = allowing({"10.1.0.0/16", "127.0.0.1", "fd00:1::/32", "::1"});
  for (const char* const address :
       {"10.1.0.0", "10.1.255.255", "127.0.0.1", "fd00:1::", "fd00:1:ffff:ffff:ffff:ffff:ffff:ffff", "::1",
        "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "1.1.1.1"}) {
    EXPECT_TRUE(lets(policy, address)) << address;
  }
  for (const char* const address : {"10.0.255.255", "10.2.0.0", "127.0.0.2", "fd00:2::", "fd00::ffff", "::", "::10.1.2.3"})
    EXPECT_FALSE(lets(policy, address)) << address;
  EXPECT_TRUE(policy.check_url("https://127.0.0.1/").has_value());
  EXPECT_FALSE(policy.check_url("https://127.1/").has_value());  // only as it is written
  EXPECT_FALSE(lets(allowing({"::/0"}), "10.0.0.1"));            // all of IPv6 is not IPv4
  EXPECT_TRUE(lets(allowing({"::/0"}), "fd00::1"));
  EXPECT_TRUE(lets(allowing({"0.0.0.0/0"}), "10.0.0.1"));
  EXPECT_FALSE(lets(allowing({"0.0.0.0/0"}), "fd00::1"));
}

constexpr const char* metadata[] = {"169.254.169.254",    "169.254.170.2",          "169.254.170.23",    "169.254.0.23",
                                    "169.254.42.42",      "100.100.100.200",        "192.0.0.192",       "168.63.129.16",
                                    "fd00:ec2::254",      "fd00:ec2::23",           "fd20:ce::254",      "fd00:42::42",
                                    "fd00:c1::a9fe:a9fe", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"};

TEST(EgressPolicy, AllowsMetadataServicesByAddressOnly) {
  const egress_policy networks = allowing({"0.0.0.0/0", "::/0", "169.254.0.0/16", "fd00::/8"});
  for (const char* const address : metadata) {
    EXPECT_FALSE(lets(networks, address)) << address;
    EXPECT_TRUE(lets(allowing({address}), address)) << address;
    const auto refused = egress_policy::strict().check_addresses("h", parse({address}));
    EXPECT_NE(refused.error().detail().find("a cloud's metadata service"), std::string::npos) << address;
  }
  EXPECT_TRUE(lets(networks, "169.254.169.253"));
}

TEST(EgressPolicy, RefusesMalformedExceptions) {
  egress_policy policy;
  for (const char* const text :
       {"h", "a-b_c.example", "10.0.0.0/8", "10.0.0.1/32", "::/0", "fe80::/10", "::1", "localhost."})
    EXPECT_TRUE(policy.allow(text).has_value()) << text;
  for (const char* const text :
       {"", ".", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "/8", "h/8", "fd00::1/8", "::/129", "127.1", "0x7f.1",
        "*.example", "https://h", "h:80", "[::1]", "a b", "fe80::1%1", "10.0.0.0/8 "}) {
    const auto refused = policy.allow(text);
    ASSERT_FALSE(refused.has_value()) << text;
    EXPECT_EQ(refused.error().code(), errc::bad_argument) << text;
  }
}

TEST(EgressPolicy, ExplainsARefusal) {
  const auto refused = egress_policy::strict().check_addresses("db.example", parse({"172.20.1.2"}));
  EXPECT_EQ(
      refused.error().detail(),
      "the host db.example leads to a private network (172.16.0.0/12), where nothing may connect to from here unless the "
      "operator allows this host or network");
}

}  // namespace
}  // namespace mcpstate::http
