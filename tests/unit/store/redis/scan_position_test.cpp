// SPDX-License-Identifier: MIT
#include "store/redis/cluster/scan_position.hh"

#include <gtest/gtest.h>

#include <string>

#include "core/text/base64.hh"

namespace mcpstate {
namespace {

scan_position some_position() {
  scan_position out;
  for (const char c : {'a', 'b'}) {
    auto& one = out.left.emplace_back();
    one.id = std::string(40, c);
    one.cursor = c == 'a' ? "18446744073709551615" : "0";
    one.slots.emplace_back(c == 'a' ? 0 : 8192, c == 'a' ? 8191 : 16383);
  }
  out.left.front().slots.emplace_back(16000, 16000);
  out.again = {7, 9001};
  return out;
}

TEST(ScanPosition, SurvivesTheWayThroughACursor) {
  scan_position position = some_position();
  while (!position.over()) {
    const std::string text = position.text();
    EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), text.npos);
    const auto read = scan_position::parse(text);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->left.size(), position.left.size());
    for (std::size_t i = 0; i < read->left.size(); ++i) {
      EXPECT_EQ(read->left[i].id, position.left[i].id);
      EXPECT_EQ(read->left[i].cursor, position.left[i].cursor);
      EXPECT_EQ(read->left[i].slots, position.left[i].slots);
    }
    EXPECT_EQ(read->again, position.again);
    if (position.left.empty()) {
      position.again.pop_back();
    } else {
      position.left.pop_back();
    }
  }
}

TEST(ScanPosition, RefusesWhatIsNoCursor) {
  const std::string id(40, 'a');
  for (const std::string& text : {std::string(), std::string("0"), std::string("17"), std::string("!")}) {
    EXPECT_FALSE(scan_position::parse(text)) << text;
  }
  for (const std::string& text : {"scan1 |", "scan1 ", "scan2 |7", "scan1 |16384", "scan1 |7,", "scan1 x 0 0-1|"}) {
    EXPECT_FALSE(scan_position::parse(to_base64url(text))) << text;
  }
  for (const char* rest : {" 0|", " x 0-1|", " 0 1|", " 0 2-1|", " 0 0-16384|", " 0 0-1;|"}) {
    EXPECT_FALSE(scan_position::parse(to_base64url("scan1 " + id + rest))) << rest;
  }
  EXPECT_TRUE(scan_position::parse(to_base64url("scan1 " + id + " 0 0-1|")));
}

}  // namespace
}  // namespace mcpstate
