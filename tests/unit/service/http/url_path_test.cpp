// SPDX-License-Identifier: MIT
#include "service/http/url_path.hh"

#include <gmock/gmock.h>

namespace mcpstate::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(UrlPath, SplitsAtSlashesBeforeDecoding) {
  EXPECT_THAT(parse_target("/v1/users/a%2Fb/connections").value().segments,
              ElementsAre("v1", "users", "a/b", "connections"));
  EXPECT_THAT(parse_target("/v1/users/io.github.x%2fy").value().segments, ElementsAre("v1", "users", "io.github.x/y"));
  EXPECT_THAT(parse_target("/").value().segments, IsEmpty());
  EXPECT_THAT(parse_target("/%C3%A9%20+").value().segments, ElementsAre("\xC3\xA9 +"));
}

TEST(UrlPath, RefusesAmbiguousPaths) {
  for (const char* target : {"/v1/./x", "/v1/../x", "/v1/%2e%2E/x", "/v1/%2e", "/v1//x",      "/v1/",     "//",
                             "/a%",     "/a%2",     "/a%zz",        "/a%00",   "a",           "",         "*",
                             "/a b",    "/a\tb",    "/a\x80",       "/a#b",    "https://h/a", "http:///a"}) {
    EXPECT_FALSE(parse_target(target)) << target;
  }
  EXPECT_EQ(parse_target("/v1/%2e%2e").error().code(), errc::bad_argument);
  // Data, however odd.
  EXPECT_THAT(parse_target("/.../a..").value().segments, ElementsAre("...", "a.."));
  EXPECT_THAT(parse_target("/%2e%2e%2f").value().segments, ElementsAre("../"));
}

TEST(UrlPath, ReadsQueries) {
  const auto parsed = parse_target("/x?wait=40s&cursor=a%26b&flag&&empty=").value();
  EXPECT_THAT(parsed.parameters,
              ElementsAre(Pair("wait", "40s"), Pair("cursor", "a&b"), Pair("flag", ""), Pair("empty", "")));
  EXPECT_THAT(parse_target("/x?").value().parameters, IsEmpty());
  EXPECT_FALSE(parse_target("/x?a=%"));
  EXPECT_FALSE(parse_target("/x?%00=a"));
}

TEST(UrlPath, ReadsAbsoluteTargetsOfProxies) {
  const auto parsed = parse_target("http://host:80/a?b=c").value();
  EXPECT_EQ(parsed.authority, "host:80");
  EXPECT_THAT(parsed.segments, ElementsAre("a"));
  EXPECT_THAT(parsed.parameters, ElementsAre(Pair("b", "c")));
  EXPECT_THAT(parse_target("http://host").value().segments, IsEmpty());
}

TEST(UrlPath, BoundsSegmentsAndParameters) {
  std::string path, query = "/?";
  for (std::size_t i = 0; i < max_segments; ++i) path += "/s";
  EXPECT_TRUE(parse_target(path));
  EXPECT_FALSE(parse_target(path + "/s"));
  for (std::size_t i = 0; i < max_parameters; ++i) query += "a=b&";
  EXPECT_TRUE(parse_target(query));
  EXPECT_FALSE(parse_target(query + "a=b"));
}

}  // namespace
}  // namespace mcpstate::service
