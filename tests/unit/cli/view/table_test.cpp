// SPDX-License-Identifier: MIT
#include "cli/view/table.hh"

#include <gtest/gtest.h>

namespace mcpstate::cli {
namespace {

table sample() {
  table out({"SERVER", "STATUS", "REMARK"});
  out.add({"github", cell("CONNECTED", tone::good), "https://x"});
  out.add({"猫", cell("FAILED", tone::bad), ""});
  return out;
}

TEST(Table, AlignsByDisplayWidthWithoutTrailingBlanks) {
  EXPECT_EQ(sample().text(false, 0),
            "SERVER  STATUS     REMARK\n"
            "github  CONNECTED  https://x\n"
            "猫      FAILED\n");
}

TEST(Table, ColoursTextOnlyWhenAsked) {
  const auto text = sample().text(true, 0);
  EXPECT_NE(text.find("\x1b[32mCONNECTED\x1b[0m  https"), std::string::npos) << text;
  EXPECT_EQ(sample().text(false, 0).find('\x1b'), std::string::npos);
}

TEST(Table, CutsTheLastColumnToTheWidth) {
  EXPECT_EQ(sample().text(false, 28).substr(26, 29), "github  CONNECTED  https://x\n");
  table wide({"A", "B"});
  wide.add({"1", "abcdefghijklmnop"});
  EXPECT_EQ(wide.text(false, 13), "A  B\n1  abcdefghi…\n");
}

TEST(Table, CutsTheLastColumnWhenOthersFillTheLine) {
  table narrow({"NAME", "B"});
  narrow.add({"a long name", "abcdefghijklmnop"});
  EXPECT_EQ(narrow.text(false, 12), "NAME         B\na long name  abcdefg…\n");
}

TEST(Table, CutsTheLastColumnToItsOwnLimitOnAnEndlessLine) {
  table out({"A", "B"});
  out.add({"1", "abcdefghijklmnop"});
  out.limit_last(10);
  EXPECT_EQ(out.text(false, 0), "A  B\n1  abcdefghi…\n");
  EXPECT_EQ(out.text(false, 80), "A  B\n1  abcdefghijklmnop\n");
}

TEST(Table, EscapesCells) {
  table out({"NAME"});
  out.add({"a\x1b]0;title\x07\nb"});
  EXPECT_EQ(out.text(true, 0), "\x1b[1mNAME\x1b[0m\na\\x1b]0;title\\x07\\nb\n");
}

}  // namespace
}  // namespace mcpstate::cli
