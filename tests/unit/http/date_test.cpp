// SPDX-License-Identifier: MIT
#include "http/date.hh"

#include <gtest/gtest.h>

#include <string>

namespace mcpstate::http {
namespace {

TEST(HttpDate, ReadsTheThreeFormsOfTheStandard) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    const auto read = parse_date(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(to_iso8601(*read), "1994-11-06T08:49:37.000000+00:00") << text;
  }
}

TEST(HttpDate, NeverTakesOtherTextsForDates) {
  for (const char* text :
       {"", "soon", "120", "-5", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "1994-11-06T08:49:37Z", "Sun, 06 Nov"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
  EXPECT_FALSE(parse_date(std::string(100'000, ' ')));
}

}  // namespace
}  // namespace mcpstate::http
