// SPDX-License-Identifier: MIT
// What a server can make the parsers of answers hold, compressed or not: bounded by its messages, not by its wishes.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "http/answer_reader.hh"
#include "http/body_decoder.hh"
#include "http/sse_parser.hh"
#include "support/compress.hh"
#include "support/heap_peak.hh"

namespace mcpstate::http {
namespace {

using test::compress;
using test::heap_bound;
using test::heap_peak;

constexpr std::size_t megabyte = 1024 * 1024;
constexpr std::size_t max_message = 32 * megabyte;
constexpr std::size_t piece = 64 * 1024;  // what a connection reads at once

struct stream_outcome {
  std::size_t events = 0, largest = 0, peak = 0;
  std::string last_id;
  bool failed = false;
};

// The events go as soon as they have come, as a transport lets them go.
stream_outcome read_stream(std::string_view bytes, std::size_t limit = max_message) {
  stream_outcome out;
  const heap_peak heap;
  sse_parser parser(limit);
  const auto take = [&out](const sse_event& event) {
    ++out.events;
    out.largest = std::max(out.largest, event.data.size() + event.name.size());
    return result<void>();
  };
  for (; !bytes.empty() && !out.failed; bytes.remove_prefix(std::min(piece, bytes.size())))
    out.failed = !parser.feed(bytes.substr(0, piece), take);
  out.last_id = parser.last_event_id();
  out.peak = heap.bytes();
  return out;
}

std::string many(std::string_view part, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += part;
  return out;
}

TEST(HostileStreams, LongIdIsNeverCopiedIntoEvents) {
  for (const std::size_t size : {8 * megabyte, megabyte, std::size_t(4097)}) {
    const auto seen = read_stream("id: " + std::string(size, 'i') + "\n" + many("data:x\n\n", 500));
    EXPECT_EQ(seen.events, 500U);
    EXPECT_EQ(seen.last_id, "");
    EXPECT_LE(seen.peak, heap_bound(size)) << size;
  }
}

// Going on from the id before it would bring the same events again.
TEST(HostileStreams, LongIdIsNeverResumedFromAnEarlierOne) {
  for (const std::size_t size : {std::size_t(4097), std::size_t(5000), megabyte}) {
    EXPECT_EQ(read_stream("id: 1\ndata: a\n\nid: " + std::string(size, 'i') + "\ndata: b\n\n").last_id, "");
  }
  EXPECT_EQ(read_stream("id: 1\ndata: a\n\nid: " + std::string(4096, 'i') + "\ndata: b\n\n").last_id.size(), 4096U);
}

TEST(HostileStreams, SmallEventsNeverPileUp) {
  for (const char* const event : {"data:x\n\n", "data\n\n", "event:e\ndata:\n\n", "id:1\nevent:n\ndata:d\n\n"}) {
    const auto seen = read_stream(many(event, 200'000));
    EXPECT_EQ(seen.events, 200'000U);
    EXPECT_LE(seen.peak, piece) << event;
  }
}

TEST(HostileStreams, LargeEventTakesThreeTimesItsSizeAtMost) {
  const std::size_t size = 6 * megabyte;
  const std::string x(size, 'x');
  for (const std::string& text :
       {"data:" + x + "\n\n", many("data:" + x.substr(0, 100'000) + "\n", 60) + "\n", "event:" + x + "\ndata:1\n\n",
        "data:" + x.substr(size / 2) + "\nevent:" + x.substr(size / 2) + "\n\n", ":" + x + "\ndata:1\n\n"}) {
    const auto seen = read_stream(text);
    EXPECT_EQ(seen.events, 1U);
    EXPECT_LE(seen.peak, heap_bound(size)) << text.substr(0, 10);
  }
}

TEST(HostileStreams, NameAndDataTogetherStayWithinTheLimit) {
  const std::string half(60, 'x');
  EXPECT_TRUE(read_stream("event:" + half + "\ndata:" + half + "\n\n", 100).failed);
  EXPECT_TRUE(read_stream("data:" + half + "\nevent:" + half + "\ndata:y\n\n", 100).failed);
  EXPECT_FALSE(read_stream("event:" + half + "\n\ndata:" + half + "\n\n", 100).failed);
}

// What a body decodes to, up to an error.
struct decode_outcome {
  std::size_t size = 0, peak = 0;
  bool too_large = false;
};

decode_outcome decode_all(const std::string& packed) {
  decode_outcome out;
  const heap_peak heap;
  body_decoder decoder(content_coding::gzip);
  std::string_view all = packed;
  for (; !all.empty() && !out.too_large; all.remove_prefix(std::min(piece, all.size()))) {
    std::string_view input = all.substr(0, piece);
    for (;;) {
      const auto part = decoder.decode(input, piece);
      out.too_large = !part && part.error().code() == errc::too_large;
      if (!part || part->empty()) break;
      out.size += part->size();
    }
  }
  out.peak = heap.bytes();
  return out;
}

TEST(HostileBodies, DecodingStopsAtTwoHundredTimesTheWire) {
  for (const char fill : {'\0', ' ', 'x'}) {
    const std::string packed = compress(std::string(30 * megabyte, fill));
    const auto seen = decode_all(packed);
    EXPECT_TRUE(seen.too_large);
    EXPECT_LE(seen.size, std::max(megabyte, 200 * packed.size()) + 2 * piece);
    EXPECT_LE(seen.peak, megabyte);
  }
}

TEST(HostileBodies, FirstMegabyteMayBeAsDenseAsItLikes) {
  for (const std::size_t size : {std::size_t(100'000), megabyte - 1, megabyte}) {
    const auto seen = decode_all(compress(std::string(size, 'x')));
    EXPECT_FALSE(seen.too_large);
    EXPECT_EQ(seen.size, size);
  }
}

TEST(HostileBodies, UsualJsonIsNeverTooDense) {
  std::string plain = "[";
  for (int i = 0; plain.size() < 8 * megabyte; ++i)
    plain += R"({"name":"tool_)" + std::to_string(i) + R"(","description":"what it does","inputSchema":{"type":"object"}},)";
  const auto seen = decode_all(compress(plain));
  EXPECT_FALSE(seen.too_large);
  EXPECT_EQ(seen.size, plain.size());
}

// A head and a body with its framing: what has been understood goes at once.
TEST(HostileBodies, FramingNeverTakesMoreThanTheBody) {
  const std::string chunk = "1;" + std::string(20, 'e') + "\r\nx\r\n";
  for (const std::string& answer :
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + many(chunk, 200'000) + "0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + many("1\r\nx\r\n", 500'000) + "0\r\n\r\n",
        many("HTTP/1.1 100 Continue\r\nA: " + std::string(60'000, 'a') + "\r\n\r\n", 16) +
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"}) {
    const heap_peak heap;
    answer_reader reader("h");
    for (std::string_view rest = answer; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
      std::string body;  // taken away piece by piece, as a connection does
      ASSERT_TRUE(reader.feed(rest.substr(0, piece), body).has_value());
    }
    EXPECT_TRUE(reader.done());
    EXPECT_LE(heap.bytes(), megabyte);
  }
}

}  // namespace
}  // namespace mcpstate::http
