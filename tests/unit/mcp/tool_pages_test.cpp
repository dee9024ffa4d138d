// SPDX-License-Identifier: MIT
#include "mcp/tool_pages.hh"

#include <gtest/gtest.h>

#include <string>

namespace mcpstate::mcp {
namespace {

using verdict = tool_pages::verdict;

std::string page(const std::string& tools, const std::string& rest = "") {
  return "{\"tools\":[" + tools + "]" + rest + "}";
}
std::string tool(const std::string& name) { return "{\"name\":\"" + name + "\"}"; }

verdict add(tool_pages& pages, const std::string& text) {
  const auto added = pages.add(text);
  EXPECT_TRUE(added.has_value()) << added.error().full_text();
  return added ? *added : verdict::done;
}

TEST(ToolPages, EveryByteIsKept) {
  const std::string a = "{ \"name\" : \"a\" , \"x\":[1.0e+1, \"\\/\\u00e9\"] }";
  const std::string b = R"({"inputSchema":{"$defs":{}},"n\u0061me":"b"})";
  tool_pages pages{tool_pages::limits()};
  EXPECT_EQ(pages.next_params(), "{}");
  EXPECT_FALSE(pages.has_cursor());
  EXPECT_EQ(add(pages, page(a, R"( , "nextCursor" : "c\u00e9\"1" )")), verdict::more);
  EXPECT_EQ(pages.next_params(), R"({"cursor":"c\u00e9\"1"})");
  EXPECT_TRUE(pages.has_cursor());
  EXPECT_EQ(add(pages, page(b)), verdict::done);
  EXPECT_EQ(pages.pages(), 2U);
  const auto list = std::move(pages).finish();
  ASSERT_TRUE(list.has_value()) << list.error().full_text();
  EXPECT_EQ(list->bytes(), "[" + a + "," + b + "]");
  EXPECT_EQ(list->count(), 2U);
}

TEST(ToolPages, Ends) {
  for (const char* const rest : {"", R"(,"nextCursor":null)", R"(,"nextCursor":"")"}) {
    tool_pages pages{tool_pages::limits()};
    EXPECT_EQ(add(pages, page("", rest)), verdict::done) << rest;
    EXPECT_EQ(std::move(pages).finish().value().bytes(), "[]");
  }
}

TEST(ToolPages, Refused) {
  for (const char* const text : {"[]", "{}", R"({"tools":{}})", R"({"tools":null})", R"({"tools":[],"nextCursor":7})"}) {
    tool_pages pages{tool_pages::limits()};
    const auto added = pages.add(text);
    ASSERT_FALSE(added.has_value()) << text;
    EXPECT_EQ(added.error().code(), errc::protocol);
  }
}

TEST(ToolPages, ConstantCursorWithNewToolsGoesOn) {
  tool_pages pages{tool_pages::limits()};
  EXPECT_EQ(add(pages, page(tool("a"), R"(,"nextCursor":"c")")), verdict::more);
  EXPECT_EQ(add(pages, page(tool("b"), R"(,"nextCursor":"c")")), verdict::more);
  EXPECT_EQ(add(pages, page(tool("b"), R"(,"nextCursor":"c")")), verdict::done);
  EXPECT_TRUE(pages.dropped().empty());
  EXPECT_EQ(std::move(pages).finish().value().count(), 2U);
}

TEST(ToolPages, FreshCursorWithoutNewToolsGoesOn) {
  tool_pages pages{tool_pages::limits()};
  EXPECT_EQ(add(pages, page("", R"(,"nextCursor":"1")")), verdict::more);
  EXPECT_EQ(add(pages, page("", R"(,"nextCursor":"2")")), verdict::more);
  EXPECT_EQ(add(pages, page("", R"(,"nextCursor":"1")")), verdict::done);  // a loop of two
}

TEST(ToolPages, DropsAndReports) {
  tool_pages pages{tool_pages::limits()};
  add(pages, page(R"({"name":"a","v":1},7,{"title":"x"},{"name":8},{"name":"a","v":2},{"name":"b"})"));
  const std::vector<std::string> expected = {"(unnamed): not an object", "(unnamed): it has no name",
                                             "(unnamed): it has no name", "a: a second tool of this name"};
  EXPECT_EQ(pages.dropped(), expected);
  EXPECT_EQ(std::move(pages).finish().value().bytes(), R"([{"name":"a","v":1},{"name":"b"}])");
}

TEST(ToolPages, Limits) {
  tool_pages::limits bounds;
  bounds.max_pages = 2;
  bounds.max_tools = 3;
  bounds.max_bytes = 100;
  const auto code = [](const result<verdict>& added) { return added ? "fine" : std::string(name_of(added.error().code())); };
  tool_pages tools(bounds);
  EXPECT_EQ(code(tools.add(page(tool("a") + "," + tool("b") + "," + tool("c")))), "fine");
  EXPECT_EQ(code(tools.add(page(tool("d")))), "too_large");
  tool_pages many(bounds);
  EXPECT_EQ(code(many.add(page("", R"(,"nextCursor":"1")"))), "fine");
  EXPECT_EQ(code(many.add(page("", R"(,"nextCursor":"2")"))), "too_large");
  tool_pages exact(bounds);
  EXPECT_EQ(code(exact.add(page(tool(std::string(87, 'x'))))), "fine");  // {"name":"…"} and [ ]: 100 bytes
  EXPECT_EQ(std::move(exact).finish().value().bytes().size(), 100U);
  tool_pages over(bounds);
  EXPECT_EQ(code(over.add(page(tool(std::string(88, 'x'))))), "too_large");
}

TEST(ToolPages, RestartsOnce) {
  tool_pages pages{tool_pages::limits()};
  add(pages, page(tool("a"), R"(,"nextCursor":"c")"));
  EXPECT_TRUE(pages.restart());
  EXPECT_FALSE(pages.has_cursor());
  EXPECT_EQ(add(pages, page(tool("a") + "," + tool("b"))), verdict::done);
  EXPECT_TRUE(pages.dropped().empty());
  EXPECT_FALSE(pages.restart());
  EXPECT_EQ(std::move(pages).finish().value().count(), 2U);
}

}  // namespace
}  // namespace mcpstate::mcp
