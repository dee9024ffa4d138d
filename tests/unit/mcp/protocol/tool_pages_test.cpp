// SPDX-License-Identifier: MIT
#include "mcp/protocol/tool_pages.hh"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

namespace mcpstate::mcp {
namespace {

using progress = tool_pages::progress;

std::string page(const std::string& tools, const std::string& rest = "") {
  return "{\"tools\":[" + tools + "]" + rest + "}";
}
std::string tool(const std::string& name) { return "{\"name\":\"" + name + "\"}"; }

progress add(tool_pages& pages, const std::string& text) {
  const auto added = pages.add(text);
  EXPECT_TRUE(added.has_value()) << added.error().full_text();
  return added ? *added : progress::done;
}

TEST(ToolPages, KeepsEveryByteOfTheTools) {
  const std::string a = "{ \"name\" : \"a\" , \"x\":[1.0e+1, \"\\/\\u00e9\"] }";
  const std::string b = R"({"inputSchema":{"$defs":{}},"n\u0061me":"b"})";
  tool_pages pages{tool_pages::limits()};
  EXPECT_EQ(pages.next_params(), "{}");
  EXPECT_FALSE(pages.has_cursor());
  EXPECT_EQ(add(pages, page(a, R"( , "nextCursor" : "c\u00e9\"1" )")), progress::more);
  EXPECT_EQ(pages.next_params(), R"({"cursor":"c\u00e9\"1"})");
  EXPECT_TRUE(pages.has_cursor());
  EXPECT_EQ(add(pages, page(b)), progress::done);
  EXPECT_EQ(pages.pages(), 2U);
  const auto list = std::move(pages).finish();
  ASSERT_TRUE(list.has_value()) << list.error().full_text();
  EXPECT_EQ(list->bytes(), "[" + a + "," + b + "]");
  EXPECT_EQ(list->count(), 2U);
}

TEST(ToolPages, EndsWithoutACursor) {
  for (const char* const rest : {"", R"(,"nextCursor":null)", R"(,"nextCursor":"")"}) {
    tool_pages pages{tool_pages::limits()};
    EXPECT_EQ(add(pages, page("", rest)), progress::done) << rest;
    EXPECT_EQ(std::move(pages).finish().value().bytes(), "[]");
  }
}

tool_pages::limits modern() {
  tool_pages::limits bounds;
  bounds.modern = true;
  return bounds;
}

// What a page's cursor means in each era.
TEST(ToolPages, ReadsTheCursorsOfEachEra) {
  const struct {
    const char* rest;
    progress legacy, modern;
    const char* next;  // of the request that follows a real cursor
  } table[] = {
      {"", progress::done, progress::done, ""},
      {R"(,"nextCursor":null)", progress::done, progress::done, ""},
      {R"(,"nextCursor":"")", progress::done, progress::more, R"({"cursor":""})"},
      {R"(,"nextCursor":" ")", progress::more, progress::more, R"({"cursor":" "})"},
      {R"(,"nextCursor":"null")", progress::more, progress::more, R"({"cursor":"null"})"},
      {R"(,"next\u0043ursor":"\u0061\\")", progress::more, progress::more, R"({"cursor":"\u0061\\"})"},
      {R"(,"nextCursor":"a","nextCursor":"b")", progress::more, progress::more, R"({"cursor":"b"})"},
      {R"(,"nextCursor":"a","nextCursor":null)", progress::done, progress::done, ""},
  };
  for (const auto& row : table) {
    for (const bool is_modern : {false, true}) {
      tool_pages pages(is_modern ? modern() : tool_pages::limits());
      const progress expected = is_modern ? row.modern : row.legacy;
      EXPECT_EQ(add(pages, page(tool("a"), row.rest)), expected) << row.rest;
      EXPECT_EQ(pages.has_cursor(), expected == progress::more) << row.rest;
      if (expected == progress::more) {
        EXPECT_EQ(pages.next_params(), row.next) << row.rest;
        EXPECT_EQ("{" + pages.next_cursor_member() + "}", row.next) << row.rest;
      }
    }
  }
}

TEST(ToolPages, EndsALoopOfEmptyCursors) {
  tool_pages pages(modern());
  EXPECT_EQ(pages.next_cursor_member(), "");
  EXPECT_EQ(add(pages, page(tool("a"), R"(,"nextCursor":"")")), progress::more);
  EXPECT_EQ(add(pages, page(tool("b"), R"(,"nextCursor":"")")), progress::more);
  EXPECT_EQ(add(pages, page(tool("b"), R"(,"nextCursor":"")")), progress::done);
  EXPECT_EQ(std::move(pages).finish().value().count(), 2U);
  tool_pages endless(modern());
  progress last = progress::more;
  std::size_t asked = 0;
  for (; last == progress::more && asked < 1000; ++asked) {
    const auto added = endless.add(page(tool("t" + std::to_string(asked)), R"(,"nextCursor":"")"));
    if (!added) {
      EXPECT_EQ(added.error().code(), errc::too_large);
      break;
    }
    last = *added;
  }
  EXPECT_EQ(asked, 99U);
}

TEST(ToolPages, RefusesAHugeCursor) {
  const auto with = [](std::size_t size) { return page("", ",\"nextCursor\":\"" + std::string(size - 2, 'c') + "\""); };
  tool_pages fits{tool_pages::limits()};
  EXPECT_EQ(add(fits, with(65536)), progress::more);
  tool_pages over{tool_pages::limits()};
  const auto added = over.add(with(65537));
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code(), errc::too_large);
}

TEST(ToolPages, KeepsTheShortestLifetimeOfAllPages) {
  using ms = std::chrono::milliseconds;
  constexpr ms day = std::chrono::hours(24);
  const struct {
    std::vector<std::string> pages;  // what follows the tools of each
    std::optional<ms> ttl;
    bool is_public;
  } table[] = {
      {{R"(,"ttlMs":300000,"cacheScope":"public")"}, ms(300000), true},
      {{R"(,"ttlMs":0,"cacheScope":"private")"}, ms(0), false},
      {{""}, std::nullopt, false},
      {{R"(,"ttlMs":null,"cacheScope":null)"}, std::nullopt, false},
      // Strange times.
      {{R"(,"ttlMs":1)"}, ms(1), false},
      {{R"(,"ttlMs":3e4)"}, ms(30000), false},
      {{R"(,"ttlMs":30000.0)"}, ms(30000), false},
      {{R"(,"ttlMs":0.5)"}, ms(0), false},
      {{R"(,"ttlMs":1500.5)"}, ms(0), false},
      {{R"(,"ttlMs":-1)"}, ms(0), false},
      {{R"(,"ttlMs":-0)"}, ms(0), false},
      {{R"(,"ttlMs":-1e300)"}, ms(0), false},
      {{R"(,"ttlMs":86399999)"}, day - ms(1), false},
      {{R"(,"ttlMs":86400000)"}, day, false},
      {{R"(,"ttlMs":86400001)"}, day, false},
      {{R"(,"ttlMs":9223372036854775808)"}, day, false},
      {{R"(,"ttlMs":1e300)"}, day, false},
      {{R"(,"ttlMs":1e400)"}, ms(0), false},
      {{R"(,"ttlMs":"30000")"}, ms(0), false},
      {{R"(,"ttlMs":true)"}, ms(0), false},
      {{R"(,"ttlMs":{})"}, ms(0), false},
      {{R"(,"ttlMs":[7])"}, ms(0), false},
      {{R"(,"\u0074tlMs":7,"cach\u0065Scope":"pub\u006cic")"}, ms(7), true},
      // Strange scopes.
      {{R"(,"ttlMs":7,"cacheScope":"Public")"}, ms(7), false},
      {{R"(,"ttlMs":7,"cacheScope":"")"}, ms(7), false},
      {{R"(,"ttlMs":7,"cacheScope":true)"}, ms(7), false},
      {{R"(,"ttlMs":7,"cacheScope":["public"])"}, ms(7), false},
      // Several pages.
      {{R"(,"ttlMs":9,"cacheScope":"public")", R"(,"ttlMs":7,"cacheScope":"public")", R"(,"ttlMs":8,"cacheScope":"public")"},
       ms(7),
       true},
      {{R"(,"ttlMs":9,"cacheScope":"private")", R"(,"ttlMs":9,"cacheScope":"public")"}, ms(9), false},
      {{R"(,"ttlMs":9,"cacheScope":"public")", R"(,"ttlMs":9)"}, ms(9), false},
      {{R"(,"ttlMs":9)", R"(,"ttlMs":-9)"}, ms(0), false},
      {{R"(,"ttlMs":9)", ""}, std::nullopt, false},
      {{"", R"(,"ttlMs":9)"}, std::nullopt, false},
      {{"", R"(,"ttlMs":0)"}, ms(0), false},
      {{R"(,"ttlMs":0)", ""}, ms(0), false},
  };
  for (const auto& row : table) {
    tool_pages now(modern());
    tool_pages before{tool_pages::limits()};
    for (std::size_t i = 0; i < row.pages.size(); ++i) {
      const bool last = i + 1 == row.pages.size();
      const std::string text = page("", row.pages[i] + (last ? "" : ",\"nextCursor\":\"" + std::to_string(i) + "\""));
      EXPECT_EQ(add(now, text), last ? progress::done : progress::more);
      add(before, text);
    }
    EXPECT_EQ(now.ttl(), row.ttl) << row.pages.front();
    EXPECT_EQ(now.is_public(), row.is_public) << row.pages.front();
    EXPECT_EQ(before.ttl(), std::nullopt);  // means nothing there
    EXPECT_FALSE(before.is_public());
  }
  const tool_pages none(modern());
  EXPECT_EQ(none.ttl(), std::nullopt);
  EXPECT_FALSE(none.is_public());
}

TEST(ToolPages, AcceptsCompleteResultsOnly) {
  const struct {
    const char* type;
    bool fine;
  } table[] = {
      {R"("complete")", true},        {"null", true},   {R"("comp\u006cete")", true},
      {R"("input_required")", false}, {R"("")", false}, {R"("Complete")", false},
      {R"("task")", false},           {"true", false},  {R"(["complete"])", false},
  };
  for (const auto& row : table) {
    const std::string text = page(tool("a"), ",\"resultType\":" + std::string(row.type));
    tool_pages now(modern());
    const auto added = now.add(text);
    EXPECT_EQ(added.has_value(), row.fine) << row.type;
    if (!added) {
      EXPECT_EQ(added.error().code(), errc::protocol);
      EXPECT_EQ(added.error().peer_text(), row.type);
      EXPECT_EQ(added.error().detail().find(row.type), std::string::npos);
    }
    tool_pages before{tool_pages::limits()};
    EXPECT_EQ(add(before, text), progress::done) << row.type;
  }
}

TEST(ToolPages, DropsToolsThatHttpCannotCall) {
  const auto with_header = [](const char* name, const char* type, const char* header) {
    return R"({"name":")" + std::string(name) + R"(","inputSchema":{"properties":{"p":{"type":")" + type +
           R"(","x-mcp-header":")" + header + R"("}}}})";
  };
  const std::string good = with_header("good", "string", "Region"), wrong = with_header("wrong", "number", "N");
  tool_pages::limits http = modern();
  http.check_headers = true;
  tool_pages pages(http);
  add(pages, page(tool("plain") + "," + wrong + "," + good + "," + tool("wrong"), R"(,"nextCursor":"c")"));
  // Again the same cursor and only a tool that is left out: but it is a new one.
  EXPECT_EQ(add(pages, page(with_header("late", "string", "a b"), R"(,"nextCursor":"c")")), progress::more);
  EXPECT_EQ(add(pages, page(with_header("late", "string", "a b"), R"(,"nextCursor":"c")")), progress::done);
  const std::vector<std::string> expected = {"wrong: x-mcp-header: the type is not exactly string, integer or boolean: /p",
                                             "wrong: a second tool of this name",
                                             "late: x-mcp-header: it is not an HTTP token: /p"};
  EXPECT_EQ(pages.dropped(), expected);
  ASSERT_EQ(pages.headers().size(), 1U);
  ASSERT_EQ(pages.headers().at("good").size(), 1U);
  EXPECT_EQ(pages.headers().at("good")[0].name, "Mcp-Param-Region");
  EXPECT_EQ(pages.headers().at("good")[0].pointer, "/p");
  EXPECT_EQ(std::move(pages).finish().value().bytes(), "[" + tool("plain") + "," + good + "]");

  tool_pages stdio(modern());
  add(stdio, page(wrong + "," + good));
  EXPECT_TRUE(stdio.dropped().empty());
  EXPECT_TRUE(stdio.headers().empty());
  EXPECT_EQ(std::move(stdio).finish().value().count(), 2U);
}

TEST(ToolPages, ReadsListsOfPromptsAndResources) {
  const struct {
    list_kind kind;
    const char* text;
    const char* items;
    std::vector<std::string> dropped;
  } table[] = {
      {prompt_lists,
       R"({"prompts":[{"name":"a"},{"name":"a"},{"uri":"x"}]})",
       R"([{"name":"a"}])",
       {"a: a second prompt of this name", "(unnamed): it has no name"}},
      {resource_lists,
       R"({"resources":[{"name":"a","uri":"x"},{"name":"a","uri":"y"},{"name":"b","uri":"x"}]})",
       R"([{"name":"a","uri":"x"},{"name":"a","uri":"y"}])",
       {"x: a second resource of this uri"}},
      {resource_template_lists,
       R"({"resourceTemplates":[{"name":"a","uriTemplate":"x{y}"},{"name":"a"}]})",
       R"([{"name":"a","uriTemplate":"x{y}"}])",
       {"(unnamed): it has no uriTemplate"}},
  };
  for (const auto& row : table) {
    tool_pages::limits bounds = modern();
    bounds.kind = row.kind;
    tool_pages pages(bounds);
    EXPECT_EQ(add(pages, row.text), progress::done);
    EXPECT_EQ(pages.dropped(), row.dropped);
    EXPECT_EQ(std::move(pages).take_array(), row.items);
    tool_pages others(bounds);
    const auto added = others.add(page(tool("a")));
    ASSERT_FALSE(added.has_value());
    EXPECT_EQ(added.error().detail(),
              "the answer to " + std::string(row.kind.method) + " has no array \"" + std::string(row.kind.array) + "\"");
  }
}

// What a server calls its tools cannot fill the memory or the terminal.
TEST(ToolPages, KeepsReportsShort) {
  tool_pages pages{tool_pages::limits()};
  const std::string name(1'000'000, 'n');
  add(pages, page(tool(name) + "," + tool(name) + R"(,{"name":"a\n\u001b[31m"},{"name":"a\n\u001b[31m"})"));
  const std::vector<std::string> expected = {std::string(60, 'n') + "…: its name is longer than 512 bytes",
                                             std::string(60, 'n') + "…: its name is longer than 512 bytes",
                                             "a\\x0a\\x1b[31m: a second tool of this name"};
  EXPECT_EQ(pages.dropped(), expected);
  tool_pages many{tool_pages::limits()};
  std::string unnamed = "1";
  for (int i = 0; i < 500; ++i) unnamed += ",1";
  add(many, page(unnamed));
  EXPECT_EQ(many.dropped().size(), 100U);
}

TEST(ToolPages, RefusesMalformedPages) {
  for (const char* const text : {"[]", "{}", R"({"tools":{}})", R"({"tools":null})", R"({"tools":[],"nextCursor":7})"}) {
    tool_pages pages{tool_pages::limits()};
    const auto added = pages.add(text);
    ASSERT_FALSE(added.has_value()) << text;
    EXPECT_EQ(added.error().code(), errc::protocol);
  }
}

TEST(ToolPages, FollowsAConstantCursorWhileItBringsNewTools) {
  tool_pages pages{tool_pages::limits()};
  EXPECT_EQ(add(pages, page(tool("a"), R"(,"nextCursor":"c")")), progress::more);
  EXPECT_EQ(add(pages, page(tool("b"), R"(,"nextCursor":"c")")), progress::more);
  EXPECT_EQ(add(pages, page(tool("b"), R"(,"nextCursor":"c")")), progress::done);
  EXPECT_TRUE(pages.dropped().empty());
  // One that is new among others is enough, wherever it stands.
  tool_pages mixed{tool_pages::limits()};
  EXPECT_EQ(add(mixed, page(tool("a"), R"(,"nextCursor":"c")")), progress::more);
  EXPECT_EQ(add(mixed, page(tool("b") + "," + tool("a"), R"(,"nextCursor":"c")")), progress::more);
  EXPECT_EQ(add(mixed, page(tool("a") + "," + tool("c"), R"(,"nextCursor":"c")")), progress::more);
  EXPECT_EQ(add(mixed, page(tool("c") + "," + tool("b"), R"(,"nextCursor":"c")")), progress::done);
  EXPECT_EQ(std::move(pages).finish().value().count(), 2U);
}

TEST(ToolPages, FollowsNewCursorsThatBringNoTools) {
  tool_pages pages{tool_pages::limits()};
  EXPECT_EQ(add(pages, page("", R"(,"nextCursor":"1")")), progress::more);
  EXPECT_EQ(add(pages, page("", R"(,"nextCursor":"2")")), progress::more);
  EXPECT_EQ(add(pages, page("", R"(,"nextCursor":"1")")), progress::done);  // a loop of two
}

TEST(ToolPages, DropsAndReportsUnusableTools) {
  tool_pages pages{tool_pages::limits()};
  add(pages, page(R"({"name":"a","v":1},7,{"title":"x"},{"name":8},{"name":"a","v":2},{"name":"b"})"));
  const std::vector<std::string> expected = {"(unnamed): not an object", "(unnamed): it has no name",
                                             "(unnamed): it has no name", "a: a second tool of this name"};
  EXPECT_EQ(pages.dropped(), expected);
  EXPECT_EQ(std::move(pages).finish().value().bytes(), R"([{"name":"a","v":1},{"name":"b"}])");
}

TEST(ToolPages, DropsToolsWhoseNamesAreTooLong) {
  const std::string longest(512, 'n');
  tool_pages pages{tool_pages::limits()};
  add(pages, page(tool(longest) + "," + tool(longest + "n") + "," + tool(std::string(2'000'000, 'm'))));
  EXPECT_EQ(pages.dropped().size(), 2U);
  EXPECT_EQ(std::move(pages).finish().value().bytes(), "[" + tool(longest) + "]");
  // A URI says where something is, and may be long.
  tool_pages::limits bounds;
  bounds.kind = resource_lists;
  tool_pages resources(bounds);
  const std::string item = R"({"uri":"file:///)" + longest + longest + "\"}";
  add(resources, R"({"resources":[)" + item + "]}");
  EXPECT_TRUE(resources.dropped().empty());
}

TEST(ToolPages, LimitsPagesToolsAndBytes) {
  tool_pages::limits bounds;
  bounds.max_pages = 2;
  bounds.max_tools = 3;
  bounds.max_bytes = 100;
  const auto code = [](const result<progress>& added) {
    return added ? "fine" : std::string(name_of(added.error().code()));
  };
  tool_pages tools(bounds);
  EXPECT_EQ(code(tools.add(page(tool("a") + "," + tool("b") + "," + tool("c")))), "fine");
  EXPECT_EQ(code(tools.add(page(tool("d")))), "too_large");
  tool_pages twice(bounds);  // with what is left out, twice as many
  EXPECT_EQ(code(twice.add(page("1,1,1,1,1,1"))), "fine");
  tool_pages thrice(bounds);
  EXPECT_EQ(code(thrice.add(page("1,1,1,1,1,1,1"))), "too_large");
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
  EXPECT_EQ(add(pages, page(tool("a") + "," + tool("b"))), progress::done);
  EXPECT_TRUE(pages.dropped().empty());
  EXPECT_FALSE(pages.restart());
  EXPECT_EQ(std::move(pages).finish().value().count(), 2U);

  tool_pages::limits bounds = modern();
  bounds.check_headers = true;
  tool_pages fresh(bounds);
  const std::string with_header = R"({"name":"h","inputSchema":{"properties":{"p":{"type":"string","x-mcp-header":"H"}}}})";
  add(fresh, page(with_header, R"(,"nextCursor":"","ttlMs":1,"cacheScope":"private")"));
  EXPECT_EQ(fresh.headers().size(), 1U);
  EXPECT_TRUE(fresh.restart());
  EXPECT_TRUE(fresh.headers().empty());
  EXPECT_EQ(add(fresh, page("", R"(,"ttlMs":2,"cacheScope":"public")")), progress::done);
  EXPECT_EQ(fresh.ttl(), std::chrono::milliseconds(2));
  EXPECT_TRUE(fresh.is_public());
}

}  // namespace
}  // namespace mcpstate::mcp
