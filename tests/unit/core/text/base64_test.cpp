// SPDX-License-Identifier: MIT
#include "core/text/base64.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

// RFC 4648, section 10.
TEST(Base64, EncodesTheExamplesOfTheStandard) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64url("fo"), "Zm8");
  EXPECT_EQ(to_base64url("\xfb\xff\xfe"), "-__-");
}

TEST(Base64, RoundTripsAnyBytes) {
  std::string bytes;
  for (int size = 0; size < 70; ++size) {
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes) << size;
    bytes += static_cast<char>(size * 37 + 200);
  }
}

TEST(Base64, RefusesNonCanonicalText) {
  for (const char* bad :
       {"Zg==", "Zm8=", "Z", "Zm9vY", "Zh", "Zm9", "+__-", "-__/", "Zm 9v", " Zm9v", "Zm9v ", "Zm9v\n", "Zm9*"}) {
    EXPECT_EQ(from_base64url(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace mcpstate
