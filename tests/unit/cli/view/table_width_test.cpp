// SPDX-License-Identifier: MIT
// What must not happen: that a text which others chose makes the lines of a terminal, or of a pipe, as long as it is.
#include <gtest/gtest.h>

#include <sstream>

#include "cli/view/table.hh"
#include "cli/view/text.hh"

namespace mcpstate::cli {
namespace {

std::size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, display_width(line));
  return longest;
}

table with_names(const std::vector<std::string>& names) {
  table out({"SERVER", "TOOL", "DESCRIPTION"});
  for (const auto& name : names) out.add({"srv", name, "what it does"});
  return out;
}

TEST(TableWidth, NeverExceedsTheTerminal) {
  for (const std::string& name : {std::string(1'000'000, 'x'), std::string("\x1b[2J\x1b[2J") + std::string(300, 'y'),
                                  std::string(3 * 4000, '\xE4'), std::string("plain")}) {
    for (const std::size_t width : {40U, 80U, 200U}) {
      EXPECT_LE(longest_line(with_names({"a", name, "b"}).text(false, width)), width) << name.substr(0, 20);
    }
  }
}

TEST(TableWidth, TakesFromTheWidestColumnOnly) {
  table out({"SERVER", "TOOL", "DESCRIPTION"});
  out.add({"a-server-name", std::string(500, 'x'), "short"});
  const auto text = out.text(false, 60);
  EXPECT_NE(text.find("a-server-name  "), std::string::npos) << text;
  EXPECT_NE(text.find("short"), std::string::npos) << text;
  EXPECT_NE(text.find("…"), std::string::npos) << text;
}

TEST(TableWidth, OfWideCharactersIsWhatTheyTake) {
  std::string wide;
  for (int i = 0; i < 300; ++i) wide += "世";
  EXPECT_LE(longest_line(with_names({wide}).text(false, 80)), 80U);
}

TEST(TableWidth, IsNotPaddedToOneLongNameInAPipe) {
  const auto text = with_names({std::string(100'000, 'x'), "a", "b"}).text(false, 0);
  EXPECT_LT(text.size(), 102'000U);
  EXPECT_NE(text.find(std::string(100'000, 'x')), std::string::npos) << "nothing is cut where programs read";
}

TEST(TableWidth, ThatCannotBeKeptLeavesSomethingToRead) {
  const auto text = with_names({"abcdefghijklmnopqrstuvwxyz"}).text(false, 5);
  EXPECT_NE(text.find("abcdefghijklmno…"), std::string::npos) << text;
}

}  // namespace
}  // namespace mcpstate::cli
