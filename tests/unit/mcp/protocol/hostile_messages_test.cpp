// SPDX-License-Identifier: MIT
// What a server can make us hold by its messages, and what is refused of them.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/json/slice.hh"
#include "mcp/protocol/jsonrpc.hh"
#include "mcp/protocol/revisions.hh"
#include "mcp/protocol/session_fsm.hh"
#include "mcp/protocol/tool_pages.hh"
#include "support/heap_peak.hh"

namespace mcpstate::mcp {
namespace {

using test::heap_bound;
using test::heap_peak;

constexpr std::size_t megabyte = 1024 * 1024;
constexpr std::size_t size = 2 * megabyte;

std::string many(std::string_view part, std::size_t bytes) {
  std::string out;
  out.reserve(bytes + part.size());
  while (out.size() < bytes) out += part;
  out.pop_back();  // a comma
  return out;
}

std::string result_of(const std::string& body) { return R"({"jsonrpc":"2.0","id":1,"result":)" + body + "}"; }

TEST(HostileMessages, BodyIsNeverHeldTwice) {
  const std::string escaped = "\"" + many("\\u0061,", size) + "\"";
  for (const std::string& body :
       {"[" + many("12,", size) + "]", "{" + many("\"a\":1,", size) + "}", "[" + many("[],", size) + "]", escaped}) {
    const std::string text = result_of(body);
    const heap_peak heap;
    const auto read = decode_message(text);  // with the copy that is handed over
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->body, body);
    EXPECT_LE(heap.bytes(), text.size() + megabyte);
  }
}

TEST(HostileMessages, WordsOfAFailureStayWithinTheBound) {
  const std::string words = "\"" + many("\\u00e9,", size) + "\"";
  for (const std::string& failure :
       {"{\"code\":-1,\"message\":" + words + "}", "{\"code\":-1,\"message\":\"m\",\"data\":" + words + "}",
        "{" + many("\"a\":{\"code\":1},", size) + "}"}) {
    const std::string text = R"({"jsonrpc":"2.0","id":1,"error":)" + failure + "}";
    const heap_peak heap;
    ASSERT_TRUE(decode_message(text).has_value());
    EXPECT_LE(heap.bytes(), heap_bound(text.size()));
  }
}

TEST(HostileMessages, BatchIsHandedOverOneByOne) {
  const std::string padding = R"("x":")" + std::string(size / 1000, 'x') + R"("},)";
  for (const char* const part : {R"({"jsonrpc":"2.0","method":"a",)", R"({"jsonrpc":"2.0","id":1,"method":"ping",)",
                                 R"({"jsonrpc":"2.0","id":1,"result":1,)"}) {
    const std::string text = "[" + many(part + padding, size) + "]";
    const heap_peak heap;
    std::size_t parts = 0;
    ASSERT_TRUE(decode_messages(text, [&parts](const message&) { ++parts; }).has_value());
    EXPECT_GT(parts, 900U);
    EXPECT_LE(heap.bytes(), text.size() + megabyte);
  }
}

TEST(HostileMessages, NothingOfABatchWithOneWrongPartIsTaken) {
  for (const char* const wrong : {"1", "{}", R"({"jsonrpc":"2.0","id":1.5,"result":1})"}) {
    std::size_t parts = 0;
    const std::string text = R"([{"jsonrpc":"2.0","method":"a"},)" + std::string(wrong) + "]";
    EXPECT_FALSE(decode_messages(text, [&parts](const message&) { ++parts; }).has_value());
    EXPECT_EQ(parts, 0U);
  }
}

TEST(HostileMessages, BatchOfOneIsItsMessage) {
  const std::string one = R"({"jsonrpc":"2.0","id":1,"result":{"a":[1,2]}})";
  EXPECT_EQ(without_batch("[" + one + "]"), one);
  EXPECT_EQ(without_batch(" [ " + one + " ] "), one);
  for (const std::string& other : {one, "[" + one + "," + one + "]", std::string("[]"), "[" + one + "] x", "[" + one})
    EXPECT_EQ(without_batch(other), other);
}

TEST(HostileMessages, IdsThatAreNoIntegersOrTextsAreRefused) {
  for (const char* const id : {"1.5", "1.0", "1e3", "-1E2", "[1]", "{}", "true"}) {
    EXPECT_FALSE(decode_message(R"({"jsonrpc":"2.0","method":"m","id":)" + std::string(id) + "}").has_value()) << id;
  }
  EXPECT_FALSE(decode_message(R"({"jsonrpc":"2.0","method":"m","id":")" + std::string(2000, 'i') + "\"}").has_value());
  for (const char* const id : {"0", "-7", "9007199254740993", "\"\"", "\"a b\""}) {
    EXPECT_TRUE(decode_message(R"({"jsonrpc":"2.0","method":"m","id":)" + std::string(id) + "}").has_value()) << id;
  }
}

TEST(HostileMessages, AnswerToAnotherIdIsNeverTaken) {
  for (const char* const id : {"\"1\"", "\"01\"", "2", "-1", "\" 1\"", "18446744073709551617"}) {
    session_fsm session{client_identity()};
    ASSERT_EQ(session.initialize().id, 1U);
    auto read = decode_message(R"({"jsonrpc":"2.0","result":{},"id":)" + std::string(id) + "}");
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(session.on_message(std::move(*read), 1).type, session_fsm::reaction::kind::none) << id;
    EXPECT_TRUE(session.is_waiting(1));
  }
}

TEST(HostileMessages, MemberThatComesTwiceIsRefused) {
  for (const char* const more : {R"("result":2)", R"("id":1)", R"("jsonrpc":"2.0")", R"("r\u0065sult":2)"}) {
    EXPECT_FALSE(decode_message(R"({"jsonrpc":"2.0","id":1,"result":1,)" + std::string(more) + "}").has_value()) << more;
  }
  EXPECT_TRUE(decode_message(R"({"jsonrpc":"2.0","id":1,"result":1,"x":1,"x":2})").has_value());
}

std::size_t peak_of_pages(const std::string& text, bool headers) {
  const heap_peak heap;
  auto page = decode_message(text);
  EXPECT_TRUE(page.has_value());
  if (!page) return heap.bytes();
  tool_pages::limits bounds;
  bounds.modern = bounds.check_headers = headers;
  tool_pages pages(bounds);
  static_cast<void>(pages.add(page->body).has_value());
  page = message();
  static_cast<void>(std::move(pages).finish().has_value());
  return heap.bytes();
}

TEST(HostileMessages, ToolPageTakesThreeTimesItsSizeAtMost) {
  const std::string x = "\"" + many("x,", size) + "\"", e = "\"" + many("\\u0041,", size) + "\"";
  const std::string annotated = R"("h":{"type":"string","x-mcp-header":"H"})";
  for (const std::string& tools :
       {R"({"name":)" + x + "}", R"({"name":)" + e + "}", R"({"name":"a","description":)" + e + "}",
        R"({"name":"a","inputSchema":{"properties":{)" + annotated + "," + x + ":{\"properties\":{" + annotated + "}}}}}",
        R"({"name":"a","inputSchema":{"properties":{)" + annotated + "," + many(R"("p":1,)", size) + "}}}",
        many(R"({"name":"a"},)", size), many("12,", size), many(R"({"name":1},)", size)}) {
    const std::string text = result_of(R"({"tools":[)" + tools + "]}");
    for (const bool headers : {false, true})
      EXPECT_LE(peak_of_pages(text, headers), heap_bound(text.size())) << tools.substr(0, 30);
  }
}

TEST(HostileMessages, CursorsOfPagesPastAreNotHeld) {
  tool_pages pages{tool_pages::limits()};
  std::size_t largest = 0;
  const heap_peak heap;
  for (int i = 0; i < 99; ++i) {
    const std::string cursor = std::to_string(i) + std::string(60'000, 'c');
    const std::string page = R"({"tools":[{"name":")" + std::to_string(i) + R"("}],"nextCursor":")" + cursor + "\"}";
    largest = std::max(largest, page.size());
    ASSERT_TRUE(pages.add(page).has_value());
  }
  EXPECT_LE(heap.bytes(), heap_bound(largest));
}

TEST(HostileMessages, ListOfVersionsIsCut) {
  for (const char* const version : {"\"a\",", "\"2026-07-28\",", "\"\","}) {
    const std::string body = R"({"supportedVersions":[)" + many(version, size) + "]}";
    const heap_peak heap;
    const auto read = read_discover(body);
    ASSERT_TRUE(read.has_value());
    EXPECT_LE(read->versions.size(), 100U);
    EXPECT_LE(heap.bytes(), megabyte);
  }
}

TEST(HostileMessages, LargeTextIsReadWithoutADocument) {
  for (const char* const part : {"\\n", "\\u00e9", "a\\\\"}) {
    std::string raw = "\"";
    while (raw.size() < size) raw += part;
    raw += '"';
    const heap_peak heap;
    ASSERT_TRUE(text_of(raw).has_value());
    EXPECT_LE(heap.bytes(), raw.size() + megabyte / 4);
  }
}

}  // namespace
}  // namespace mcpstate::mcp
