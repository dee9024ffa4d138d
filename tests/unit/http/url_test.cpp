// SPDX-License-Identifier: MIT
#include "http/url.hh"

#include <gtest/gtest.h>

namespace mcpstate::http {
namespace {

TEST(HttpUrl, SplitsAUrlIntoItsParts) {
  const auto url = parse_url("HTTPS://Example.org:8443/a%20b/mcp/?key=s3cret#part").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "Example.org");
  EXPECT_EQ(url.port, "8443");
  EXPECT_EQ(url.authority, "Example.org:8443");
  EXPECT_EQ(url.target, "/a%20b/mcp/?key=s3cret");
  EXPECT_EQ(url.shown, "https://Example.org:8443/a%20b/mcp/");
}

TEST(HttpUrl, FillsInDefaults) {
  EXPECT_EQ(parse_url("http://h").value().target, "/");
  EXPECT_EQ(parse_url("http://h").value().port, "80");
  EXPECT_EQ(parse_url("https://h").value().port, "443");
  EXPECT_EQ(parse_url("http://h?q").value().target, "/?q");
  EXPECT_EQ(parse_url("http://h:/x").value().authority, "h");
  EXPECT_EQ(parse_url("http://h").value().shown, "http://h");
  EXPECT_EQ(parse_url("http://127.0.0.1:1/mcp").value().host, "127.0.0.1");
}

TEST(HttpUrl, AcceptsNamesThatBeginLikeAnAddress) {
  const auto url = parse_url("http://10.0.0.1.nip.io:8080/a?b").value();
  EXPECT_EQ(url.host, "10.0.0.1.nip.io");
  EXPECT_EQ(url.port, "8080");
  EXPECT_EQ(url.authority, "10.0.0.1.nip.io:8080");
  EXPECT_EQ(url.target, "/a?b");
  EXPECT_EQ(url.shown, "http://10.0.0.1.nip.io:8080/a");
  EXPECT_EQ(parse_url("https://1.2.3.4x").value().host, "1.2.3.4x");
  EXPECT_EQ(parse_url("https://1.2.3.4x").value().target, "/");
  EXPECT_EQ(parse_url("https://1.2.3.4.5?q").value().target, "/?q");
  EXPECT_FALSE(parse_url("http://1.2.3.4@h/").has_value());
  EXPECT_FALSE(parse_url("http://1.2.3.4.h:0/").has_value());
  EXPECT_FALSE(parse_url("http://1.2.3.4:80:80/").has_value());
  EXPECT_FALSE(parse_url("http://1.2.3.4%41/").has_value());
  EXPECT_FALSE(parse_url("http://h:80:80/").has_value());
  EXPECT_FALSE(parse_url("http://[::1]x/").has_value());
}

TEST(HttpUrl, TakesNoWrongPortForAPartOfTheHost) {
  for (const std::string host : {"127.0.0.1", "10.1.2.3", "mcp.example", "[::1]"}) {
    for (const char* port : {":-1", ":0", ":99999", ":65536", ":x", ":-x.test", ":.nip.io", ":80x"})
      EXPECT_FALSE(parse_url("https://" + host + port + "/").has_value()) << host << port;
    EXPECT_EQ(parse_url("https://" + host + ":/").value().port, "443") << host;
  }
}

TEST(HttpUrl, ReadsAnAddressInBrackets) {
  const auto url = parse_url("http://[::1]:3001/mcp").value();
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.authority, "[::1]:3001");
}

TEST(HttpUrl, RefusesWhatIsNoHttpUrl) {
  for (const char* const text : {"",
                                 "h",
                                 "/mcp",
                                 "ftp://h/",
                                 "http:",
                                 "http:///x",
                                 "http://h:99999/",
                                 "http://h:0/",
                                 "http://a b/",
                                 "http://h/a b",
                                 "http://h%41/",
                                 "http://me:s3cret@h/",
                                 "http://me@h/",
                                 "http://h/\r\nX: y",
                                 "http:\xD8",
                                 "http:?",
                                 "http:",
                                 ":",
                                 "://",
                                 "a:b",
                                 "//h/",
                                 "http://h/\xC3\xA9",
                                 "http://h/\x7F"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_EQ(url.error().code(), errc::bad_url) << text;
    EXPECT_EQ(url.error().full_text().find("s3cret"), std::string::npos);
  }
  EXPECT_EQ(parse_url("http://h/x?token=s3cret#f").value().shown, "http://h/x");
}

}  // namespace
}  // namespace mcpstate::http
