// SPDX-License-Identifier: MIT
#include "http/same_origin.hh"

#include <gtest/gtest.h>

#include <string>

namespace mcpstate::http {
namespace {

url parsed(const std::string& text) { return parse_url(text).value(); }

// Where a reference leads, or CODE of the refusal.
std::string lead(const std::string& from, const std::string& reference) {
  const auto there = resolve_same_origin(parsed(from), reference);
  if (!there) return std::string(name_of(there.error().code()));
  return std::string(there->tls ? "https " : "http ") + there->host + " " + there->port + " " + there->target;
}

TEST(SameOrigin, ResolvesReferences) {
  const std::string from = "https://h.example:8443/a/b?key=1";
  EXPECT_EQ(lead(from, "/messages?session=2"), "https h.example 8443 /messages?session=2");
  EXPECT_EQ(lead(from, "c"), "https h.example 8443 /a/c");
  EXPECT_EQ(lead(from, "b/"), "https h.example 8443 /a/b/");
  EXPECT_EQ(lead(from, "../x"), "https h.example 8443 /x");
  EXPECT_EQ(lead(from, "?q"), "https h.example 8443 /a/b?q");
  EXPECT_EQ(lead(from, "https://H.Example:8443/x"), "https H.Example 8443 /x");
  EXPECT_EQ(lead("https://h/mcp", "https://h:443/mcp/"), "https h 443 /mcp/");
  EXPECT_EQ(lead("https://h:443/mcp", "//h/mcp/"), "https h 443 /mcp/");
  EXPECT_EQ(lead("http://[::1]:80/mcp", "http://[::1]/x"), "http ::1 80 /x");
  EXPECT_EQ(lead(from, "/x#fragment"), "https h.example 8443 /x");
  EXPECT_EQ(lead("http://h", "x"), "http h 80 /x");
}

TEST(SameOrigin, RefusesOtherOrigins) {
  const std::string from = "https://h.example/mcp";
  for (const char* const there :
       {"http://h.example/mcp", "http://h.example:443/mcp", "https://h.example:444/mcp", "https://g.example/mcp", "//g/mcp",
        "https://h.example.evil/mcp", "https://10.0.0.1/", "https://h.example./mcp"}) {
    EXPECT_EQ(lead(from, there), "forbidden_target") << there;
  }
  EXPECT_EQ(lead("http://h/", "https://h/"), "forbidden_target");
  const auto refused = resolve_same_origin(parsed(from), "https://g/path?token=s3cret");
  EXPECT_EQ(refused.error().peer_text(), "https://g/path");
  EXPECT_EQ(refused.error().full_text().find("s3cret"), std::string::npos);
}

TEST(SameOrigin, RefusesWhatIsNoUrl) {
  for (const char* const text :
       {"http://", "ftp://h.example/", "javascript:alert(1)", "https://me@h.example/", "/a b", "/\r\nX: y",
        "http://h.example:99999/", "\xC3\xA9", "http:\xD8", "http:?", "http:x", ":", "a:b"}) {
    EXPECT_EQ(lead("https://h.example/mcp", text), "protocol") << text;
  }
}

TEST(SameOrigin, ChecksEachRedirect) {
  egress_policy policy = egress_policy::strict();
  const url from = parsed("https://h/mcp");
  const auto follow = [&](const url& base, const char* location, unsigned followed) {
    const auto there = check_redirect(policy, base, location, followed);
    return there ? there->target : std::string(name_of(there.error().code()));
  };
  EXPECT_EQ(follow(from, "/mcp/", 0), "/mcp/");
  EXPECT_EQ(follow(from, "/mcp/", 2), "/mcp/");
  EXPECT_EQ(follow(from, "/mcp/", 3), "http_status");
  EXPECT_EQ(follow(from, "http://h/mcp/", 0), "forbidden_target");
  EXPECT_EQ(follow(from, "https://other/mcp/", 0), "forbidden_target");
  EXPECT_EQ(follow(parsed("https://10.0.0.1/"), "/x", 0), "forbidden_target");  // the policy speaks too
  EXPECT_EQ(follow(parsed("http://h/"), "/x", 0), "forbidden_target");
  policy.max_redirects = 0;
  EXPECT_EQ(follow(from, "/mcp/", 0), "http_status");
  policy = egress_policy::open();
  EXPECT_EQ(follow(parsed("http://127.0.0.1:1/"), "/x", 0), "/x");
  EXPECT_EQ(follow(parsed("http://127.0.0.1:1/"), "http://127.0.0.1:2/x", 0), "forbidden_target");
}

}  // namespace
}  // namespace mcpstate::http
