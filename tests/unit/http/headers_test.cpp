// SPDX-License-Identifier: MIT
#include "http/headers.hh"

#include <gtest/gtest.h>

namespace mcpstate::http {
namespace {

TEST(HttpHeaders, RefusesNamesAndValuesThatCannotBeSent) {
  const auto code = [](std::string name, std::string value) {
    header_list headers;
    headers.emplace_back(std::move(name), std::move(value));
    const auto checked = check_headers(headers);
    return checked ? "fine" : std::string(name_of(checked.error().code()));
  };
  EXPECT_EQ(code("Authorization", "Bearer a b\tc"), "fine");
  EXPECT_EQ(code("X-Caf\xC3\xA9", "v"), "bad_argument");
  EXPECT_EQ(code("X", "caf\xC3\xA9"), "fine");
  EXPECT_EQ(code("", "v"), "bad_argument");
  EXPECT_EQ(code("A B", "v"), "bad_argument");
  EXPECT_EQ(code("X", "a\r\nY: b"), "bad_argument");
  for (const char* const own : {"host", "CONTENT-LENGTH", "Accept", "Transfer-Encoding"}) {
    EXPECT_EQ(code(own, "v"), "bad_argument") << own;
  }
}

TEST(HttpHeaders, BuildsASafeUserAgent) {
  EXPECT_EQ(user_agent("mcpstate", "0.1.0"), "mcpstate/0.1.0");
  EXPECT_EQ(user_agent("my app\r\nX: y", ""), "my-app--X--y");
  EXPECT_EQ(user_agent("", "1 (beta)"), "mcpstate/1--beta-");
  const header_list given = {{"user-AGENT", "x"}};
  EXPECT_TRUE(has_header(given, "User-Agent"));
  EXPECT_FALSE(has_header(given, "User"));
}

TEST(HttpAnswer, LowersTheMediaTypeAndDropsParameters) {
  EXPECT_EQ(media_type("Text/Event-Stream ; charset=utf-8"), "text/event-stream");
  EXPECT_EQ(media_type("  application/json"), "application/json");
  EXPECT_EQ(media_type(""), "");
  EXPECT_EQ(media_type(" "), "");
}

}  // namespace
}  // namespace mcpstate::http
