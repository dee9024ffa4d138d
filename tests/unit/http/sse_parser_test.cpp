// SPDX-License-Identifier: MIT
#include "http/sse_parser.hh"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mcpstate::http {
namespace {

using namespace std::string_literals;

std::string show(const std::vector<sse_event>& events) {
  std::string out;
  for (const sse_event& event : events) out += "[" + event.name + "|" + event.data + "|" + event.id + "]";
  return out;
}

std::string parse(const std::string& text, std::size_t cut) {
  sse_parser parser(1000);
  auto events = parser.feed(std::string_view(text).substr(0, cut)).value();
  for (sse_event& event : parser.feed(std::string_view(text).substr(cut)).value()) events.push_back(std::move(event));
  return show(events);
}

// The same events wherever the bytes are cut, and when they come one by one.
void expect_events(const std::string& text, const std::string& expected) {
  for (std::size_t cut = 0; cut <= text.size(); ++cut) EXPECT_EQ(parse(text, cut), expected) << "cut at " << cut;
  sse_parser parser(1000);
  std::vector<sse_event> events;
  for (const char c : text) {
    for (sse_event& event : parser.feed(std::string_view(&c, 1)).value()) events.push_back(std::move(event));
  }
  EXPECT_EQ(show(events), expected) << "byte by byte";
}

TEST(SseParser, AcceptsEveryKindOfLineEnd) {
  expect_events("data: a\n\ndata: b\n\n", "[|a|][|b|]");
  expect_events("data: a\r\n\r\ndata: b\r\n\r\n", "[|a|][|b|]");
  expect_events("data: a\r\rdata: b\r\r", "[|a|][|b|]");
  expect_events("data: a\r\n\ndata: b\n\r\n", "[|a|][|b|]");
  expect_events("\r\n\r\n\n\r\rdata: a\n\n", "[|a|]");
}

TEST(SseParser, SkipsOneByteOrderMark) {
  expect_events(
      "\xEF\xBB\xBF"
      "data: a\n\n",
      "[|a|]");
  expect_events(
      "\xEF\xBB\xBF\xEF\xBB\xBF"
      "data: a\n\ndata: b\n\n",
      "[|b|]");  // only one is skipped: the second spoils the name
  expect_events(
      "data: a\n\n\xEF\xBB\xBF"
      "data: b\n\n",
      "[|a|]");
  expect_events(
      "\xEF\xBB"
      "data: a\n\ndata: b\n\n",
      "[|b|]");  // not a mark
}

TEST(SseParser, ReadsTheFieldsOfEvents) {
  expect_events("event: message\nid: 7\ndata: {}\n\n", "[message|{}|7]");
  expect_events("data:a\ndata: b\ndata:  c\ndata\ndata:\n\n", "[|a\nb\n c\n\n|]");
  expect_events("data: a:b: c\n\n", "[|a:b: c|]");
  expect_events(": comment\n:\ndata: a\n: more\n\n", "[|a|]");
  expect_events("Data: x\n data: y\ndatas: z\ndata: a\n\n", "[|a|]");
  expect_events("data: \xC3\xA9\xE2\x82\xAC\n\n", "[|\xC3\xA9\xE2\x82\xAC|]");
}

TEST(SseParser, DropsEventsWithoutData) {
  expect_events("event: ping\n\ndata: a\n\n", "[|a|]");  // and its name is forgotten
  expect_events("data:\n\n", "[||]");
  EXPECT_FALSE(sse_parser(10).feed("data\n\n").value().at(0).is_message());
}

TEST(SseParser, RemembersTheLastId) {
  expect_events("id: 1\ndata: a\n\ndata: b\n\nid:\ndata: c\n\n", "[|a|1][|b|1][|c|]");
  expect_events("id: 1\ndata: a\n\nid: x\0y\ndata: b\n\n"s, "[|a|1][|b|1]");
  sse_parser parser(100);
  EXPECT_TRUE(parser.feed("id: 9\n\n").value().empty());
  EXPECT_EQ(parser.last_event_id(), "9");
  EXPECT_TRUE(parser.feed("id:\n\n").value().empty());
  EXPECT_EQ(parser.last_event_id(), "");
}

// Whoever comes back with the id of an event that was cut off would miss it.
TEST(SseParser, AdoptsAnIdOnlyWithItsCompleteEvent) {
  sse_parser parser(100);
  EXPECT_EQ(parser.feed("id: 1\ndata: a\n\nid: 2\ndata: b").value().size(), 1U);
  EXPECT_EQ(parser.last_event_id(), "1");
  EXPECT_TRUE(parser.feed("\n").value().empty());
  EXPECT_EQ(parser.last_event_id(), "1");
  EXPECT_EQ(parser.feed("\n").value().front().id, "2");
  EXPECT_EQ(parser.last_event_id(), "2");
}

// A stream that is taken up goes on where the one before was.
TEST(SseParser, ContinuesFromAGivenId) {
  sse_parser parser(100, "7");
  EXPECT_EQ(parser.last_event_id(), "7");
  EXPECT_EQ(parser.feed("data: a\n\n").value().front().id, "7");
  EXPECT_EQ(parser.feed("id: 8\ndata: a\n\n").value().front().id, "8");
}

TEST(SseParser, ReadsRetryTimes) {
  sse_parser parser(100);
  EXPECT_FALSE(parser.retry().has_value());
  EXPECT_TRUE(parser.feed("retry: 500\n").value().empty());
  EXPECT_EQ(parser.retry(), std::chrono::milliseconds(500));
  for (const char* const wrong :
       {"retry: \n", "retry: 5s\n", "retry: -5\n", "retry: 99999999999999999999999\n", "retry: 1 \n"}) {
    EXPECT_TRUE(parser.feed(wrong).value().empty());
    EXPECT_EQ(parser.retry(), std::chrono::milliseconds(500)) << wrong;
  }
}

TEST(SseParser, BoundsRetryTimes) {
  const std::chrono::milliseconds day = std::chrono::hours(24);
  const struct {
    const char* line;
    std::chrono::milliseconds wait;
  } table[] = {{"retry: 0\n", std::chrono::milliseconds(0)},
               {"retry: 0000086399999\n", day - std::chrono::milliseconds(1)},
               {"retry: 86400000\n", day},
               {"retry: 86400001\n", day},
               {"retry: 9223372036854775807\n", day}};
  for (const auto& row : table) {
    sse_parser parser(100);
    EXPECT_TRUE(parser.feed(row.line).value().empty());
    EXPECT_EQ(parser.retry(), row.wait) << row.line;
  }
}

// Every way to cut a stream into three, with each kind of line end: the scan for the ends begins anew with each piece.
TEST(SseParser, ParsesStreamsCutAnywhere) {
  for (const std::string end : {"\n", "\r", "\r\n"}) {
    std::string text = "\xEF\xBB\xBF";
    for (const char* const line :
         {": c", "id: 7", "event: e", "data: one", "data:two", "", "data", "retry: 5", "", "", "x", "data: end", ""})
      text += line + end;
    const std::string expected = "[e|one\ntwo|7][||7][|end|7]";
    for (std::size_t first = 0; first <= text.size(); ++first) {
      for (std::size_t second = first; second <= text.size(); ++second) {
        sse_parser parser(1000);
        std::string seen;
        for (const std::string& piece : {text.substr(0, first), text.substr(first, second - first), text.substr(second)})
          seen += show(parser.feed(piece).value());
        ASSERT_EQ(seen, expected) << first << ", " << second;
      }
    }
  }
}

// Not measured: looking for a line feed again for each of these lines, or for a carriage return, would take hours.
TEST(SseParser, ParsesMillionsOfShortLinesInLinearTime) {
  for (const char end : {'\n', '\r'}) {
    std::string text;
    while (text.size() < 10'000'000) text.append(":c") += end;
    text.append("data:x").append(2, end);
    EXPECT_EQ(show(sse_parser(1000).feed(text).value()), "[|x|]");
  }
}

TEST(SseParser, TellsMessagesFromOtherEvents) {
  const auto events =
      sse_parser(1000).feed("data: a\n\nevent: message\ndata: b\n\nevent: endpoint\ndata: c\n\ndata:\n\n").value();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_TRUE(events[0].is_message());
  EXPECT_TRUE(events[1].is_message());
  EXPECT_FALSE(events[2].is_message());
  EXPECT_FALSE(events[3].is_message());
}

TEST(SseParser, CompletesTheLastEventAtTheEnd) {
  for (const char* const text : {"data: a", "data: a\n", "data: a\r", "data: a\r\n"}) {
    sse_parser parser(100);
    EXPECT_TRUE(parser.feed(text).value().empty());
    const auto last = parser.finish();
    ASSERT_TRUE(last.has_value()) << text;
    EXPECT_EQ(last->data, "a");
    EXPECT_FALSE(parser.finish().has_value());
  }
  sse_parser parser(100);
  EXPECT_EQ(parser.feed("data: a\n\n: bye").value().size(), 1U);
  EXPECT_FALSE(parser.finish().has_value());
}

TEST(SseParser, LimitsTheSizeOfAnEvent) {
  const std::string fits = "data: " + std::string(94, 'x') + "\n\n";
  sse_parser parser(100);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(parser.feed(fits).value().size(), 1U);
  const auto over = parser.feed("data: " + std::string(95, 'x'));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code(), errc::too_large);
  EXPECT_FALSE(parser.feed("\n\n").has_value());  // and stays so
  EXPECT_FALSE(parser.finish().has_value());
  sse_parser many(100);
  std::size_t lines = 0;
  while (lines < 1000 && many.feed("data: xxxxxxxx\n").has_value()) ++lines;
  EXPECT_LT(lines, 12U);  // many short lines are one long event
}

}  // namespace
}  // namespace mcpstate::http
