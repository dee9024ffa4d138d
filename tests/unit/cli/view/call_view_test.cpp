// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "cli/view/call_view.hh"

namespace mcpstate::cli {
namespace {

std::string raw(const std::string& content) { return call_result_text("{\"content\":" + content + "}", false); }
std::string shown_at_terminal(const std::string& content) { return call_result_text("{\"content\":" + content + "}", true); }

TEST(ToolResult, PrintsTextAsItIs) {
  EXPECT_EQ(raw(R"([{"type":"text","text":"a\nb"},{"type":"text","text":"c\n"}])"), "a\nb\nc\n");
  EXPECT_EQ(raw(R"([{"type":"text","text":"\u001b[31m\r\n"}])"), "\x1b[31m\r\n");
}

TEST(ToolResult, EscapesTextForATerminal) {
  EXPECT_EQ(shown_at_terminal(R"([{"type":"text","text":"\u001b[31mred\r\nnext\tone"}])"), "\\x1b[31mred\nnext\\tone\n");
}

TEST(ToolResult, SummarisesOtherContent) {
  EXPECT_EQ(raw(R"([{"type":"image","data":"QUJD","mimeType":"image/png"}])"), "[image image/png, 3 B]\n");
  EXPECT_EQ(raw(R"([{"type":"audio","data":"QQ==","mimeType":"audio/wav"}])"), "[audio audio/wav, 1 B]\n");
  EXPECT_EQ(raw(R"([{"type":"image"}])"), "[image, no data]\n");
  EXPECT_EQ(raw(R"([{"type":"resource_link","name":"n","uri":"file:///x"}])"), "[link n: file:///x]\n");
  EXPECT_EQ(raw(R"([{"type":"resource","resource":{"uri":"u://x","text":"inside"}}])"), "[resource u://x]\ninside\n");
  EXPECT_EQ(raw(R"([{"type":"resource","resource":{"uri":"u://x","blob":"QUJD"}}])"), "[resource u://x, 3 B]\n");
  EXPECT_EQ(raw(R"([{"type":"hologram"}, 7, {"type":"resource"}])"), "[hologram, 19 B]\n[?]\n[resource]\n");
}

TEST(ToolResult, PrintsStructuredContentWhereThereIsNoOther) {
  EXPECT_EQ(call_result_text(R"({"content":[],"structuredContent":{"a":1}})", false), "{\"a\":1}\n");
  EXPECT_EQ(call_result_text(R"({"structuredContent":[1]})", false), "[1]\n");
  EXPECT_EQ(call_result_text(R"({"content":[{"type":"text","text":"x"}],"structuredContent":{"a":1}})", false), "x\n");
  EXPECT_EQ(call_result_text("{}", false), "");
}

}  // namespace
}  // namespace mcpstate::cli
