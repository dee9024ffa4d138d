// SPDX-License-Identifier: MIT
#include "http/answer_reader.hh"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mcpstate::http {
namespace {

struct outcome {
  std::string body, failure;  // CODE: DETAIL
  http::head head;
  bool has_head = false, done = false, keeps = false;
};

std::string words(const error& e) { return std::string(name_of(e.code())) + ": " + e.detail(); }

const std::vector<std::string> wanted = {"mcp-session-id"};

// Fed in pieces of this size, then perhaps the end of the connection.
outcome read(std::string_view bytes, std::size_t step, bool closed) {
  outcome out;
  answer_reader reader("h", wanted);
  for (; !bytes.empty() && out.failure.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    if (const auto fed = reader.feed(bytes.substr(0, step), out.body); !fed) out.failure = words(fed.error());
  }
  if (closed && out.failure.empty()) {
    if (const auto ended = reader.end(); !ended) out.failure = words(ended.error());
  }
  out.has_head = reader.has_head();
  if (out.has_head) out.head = reader.head();
  out.done = reader.done();
  out.keeps = reader.keeps_connection();
  return out;
}

// The same wherever the bytes are cut.
outcome read_all(const std::string& bytes, bool closed = false) {
  const outcome whole = read(bytes, bytes.size(), closed);
  for (const std::size_t step : {1U, 2U, 3U, 7U, 64U}) {
    const outcome parts = read(bytes, step, closed);
    EXPECT_EQ(parts.body, whole.body) << step;
    EXPECT_EQ(parts.failure, whole.failure) << step;
    EXPECT_EQ(parts.done, whole.done) << step;
    EXPECT_EQ(parts.head.status, whole.head.status) << step;
  }
  return whole;
}

std::string failure(const std::string& bytes, bool closed = false) { return read_all(bytes, closed).failure; }

TEST(AnswerReader, ReadsTheWantedHeaderFields) {
  const outcome out = read_all(
      "HTTP/1.1 401 Who are you\r\ncontent-type: text/plain\r\nWWW-Authenticate: Basic\r\nX-Other: 1\r\n"
      "www-authenticate: Bearer realm=\"a, b\", DPoP\r\nRetry-After: 120\r\nLOCATION: /there\r\nMCP-Session-Id: s\r\n"
      "Content-Encoding: gzip\r\nContent-Encoding: br\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(out.failure, "");
  EXPECT_EQ(out.head.status, 401U);
  EXPECT_EQ(out.head.content_type, "text/plain");
  EXPECT_EQ(out.head.www_authenticate, (std::vector<std::string>{"Basic", "Bearer realm=\"a, b\", DPoP"}));
  EXPECT_EQ(out.head.retry_after, "120");
  EXPECT_EQ(out.head.location, "/there");
  EXPECT_EQ(out.head.other("mcp-session-id"), "s");
  EXPECT_EQ(out.head.others, (header_list{{"mcp-session-id", "s"}})) << "and no other that has no member of its own";
  EXPECT_EQ(out.head.other("x-other"), "");
  EXPECT_EQ(out.head.content_encoding, "gzip, br");
  EXPECT_EQ(out.body, "hi");
  EXPECT_TRUE(out.done);
  EXPECT_TRUE(out.keeps);
}

TEST(AnswerReader, FindsTheEndOfTheBody) {
  const auto body = [](const std::string& rest, bool closed = false) {
    const outcome out = read_all("HTTP/1.1 200 OK\r\n" + rest, closed);
    return out.failure + out.body + (out.done ? out.keeps ? " kept" : " closed" : " open");
  };
  EXPECT_EQ(body("Content-Length: 3\r\n\r\nabc"), "abc kept");
  EXPECT_EQ(body("Content-Length: 3, 3\r\n\r\nabc"), "abc kept");
  EXPECT_EQ(body("Content-Length: 3\r\nConnection: close\r\n\r\nabc"), "abc closed");
  EXPECT_EQ(body("Content-Length: 0\r\n\r\n"), " kept");
  EXPECT_EQ(body("Content-Length: 4\r\n\r\nabc"), "abc open");
  EXPECT_EQ(body("\r\nabc"), "abc open");
  EXPECT_EQ(body("\r\nabc", true), "abc closed");
  EXPECT_EQ(body("\r\n", true), " closed");
  EXPECT_EQ(body("Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0;x=\"y\"\r\n\r\n"), "abc kept");
  EXPECT_EQ(body("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n"), "abc0123456789 kept");
  EXPECT_EQ(body("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"), "abc open");
  EXPECT_EQ(body("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), " kept");
  EXPECT_EQ(body("Transfer-Encoding: chunked\r\n\r\n0\r\n\r"), " open");
}

TEST(AnswerReader, KeepsEachValueOfAWantedHeader) {
  const outcome out = read_all(
      "HTTP/1.1 200 OK\r\nMcp-Session-Id:\r\nX: 1\r\nMCP-SESSION-ID: a\r\nmcp-session-id: b\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(out.failure, "");
  EXPECT_EQ(out.head.others, (header_list{{"mcp-session-id", ""}, {"mcp-session-id", "a"}, {"mcp-session-id", "b"}}));
  EXPECT_EQ(out.head.other("mcp-session-id"), "a") << "the first that is not empty";
  EXPECT_EQ(out.head.other("x"), "");
}

TEST(AnswerReader, IgnoresTrailers) {
  const outcome out = read_all(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nMcp-Session-Id: later\r\nLocation: /x\r\n\r\n");
  EXPECT_EQ(out.failure, "");
  EXPECT_TRUE(out.keeps);
  EXPECT_EQ(out.head.other("mcp-session-id"), "");
  EXPECT_TRUE(out.head.others.empty());
  EXPECT_EQ(out.head.location, "");
}

TEST(AnswerReader, ClosesAfterSurplusBytes) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  for (const char* const more : {"x", "HTTP/1.1 200 OK\r\n\r\n"}) {
    const outcome out = read_all(answer + more);
    EXPECT_EQ(out.body, "hi");
    EXPECT_TRUE(out.done);
    EXPECT_FALSE(out.keeps);
  }
}

TEST(AnswerReader, ExpectsNoBodyWhereHttpForbidsOne) {
  for (const char* const status : {"204 No Content", "304 Not Modified"}) {
    const outcome out = read_all(std::string("HTTP/1.1 ") + status + "\r\nContent-Length: 5\r\n\r\n");
    EXPECT_TRUE(out.done && out.keeps) << status;
  }
}

TEST(AnswerReader, ClosesAfterHttp10UnlessAskedToKeepAlive) {
  EXPECT_FALSE(read_all("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx").keeps);
  EXPECT_TRUE(read_all("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx").keeps);
}

TEST(AnswerReader, SkipsInterimAnswers) {
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nLocation: /wrong\r\n\r\n";
  std::string bytes;
  for (unsigned i = 0; i < answer_reader::max_interim; ++i) bytes += interim;
  const outcome out = read_all(bytes + "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(out.failure, "");
  EXPECT_EQ(out.head.status, 202U);
  EXPECT_EQ(out.head.location, "");
  EXPECT_EQ(failure(bytes + interim), "protocol: h sends interim answers (HTTP 1xx) without end");
  EXPECT_EQ(failure("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
            "protocol: h switches to another protocol (HTTP 101), which nobody asked for");
  EXPECT_EQ(failure(interim, true), "connection_lost: the connection to h broke: it was closed in the head of the answer");
}

TEST(AnswerReader, RefusesOtherProtocols) {
  for (const char* const bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n", "-ERR unknown\r\n", "S", "HTTP/2 200\r\n", "HTTP/0.9 200 OK\r\n", "http/1.1 200 OK\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n", " HTTP/1.1 200 OK\r\n"}) {
    EXPECT_EQ(failure(bytes), "protocol: h does not speak HTTP: bad version") << bytes;
  }
  EXPECT_EQ(read("\x15\x03\x01", 3, false).failure, "protocol: h speaks TLS: use https://");
}

TEST(AnswerReader, RefusesBadStatusLines) {
  EXPECT_EQ(failure("HTTP/1.1 2x0 OK\r\n\r\n"), "protocol: h does not speak HTTP: bad status");
  EXPECT_EQ(failure("HTTP/1.1 20 OK\r\n\r\n"), "protocol: h does not speak HTTP: bad status");
  EXPECT_EQ(failure("HTTP/1.1 099 OK\r\n\r\n"), "protocol: h does not speak HTTP: bad status");
  EXPECT_EQ(failure("HTTP/1.1  200 OK\r\n\r\n"), "protocol: h does not speak HTTP: bad status");
  EXPECT_EQ(failure("HTTP/1.2 200 OK\r\n\r\n"), "protocol: h does not speak HTTP: bad version");
  EXPECT_EQ(failure("HTTP/1.1 200 O\x01K\r\n\r\n"), "protocol: h does not speak HTTP: bad reason");
}

TEST(AnswerReader, RefusesAmbiguousFraming) {
  const auto bad = [](const std::string& rest) { return failure("HTTP/1.1 200 OK\r\n" + rest); };
  const std::string both =
      "protocol: the answer of h has both Content-Length and Transfer-Encoding, so nobody can tell where it ends";
  EXPECT_EQ(bad("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), both);
  EXPECT_EQ(bad("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), both);
  EXPECT_EQ(bad("Transfer-Encoding: gzip, chunked\r\n\r\n"),
            "protocol: the answer of h has a transfer coding other than chunked");
  EXPECT_EQ(bad("Transfer-Encoding: chunked, identity\r\n\r\n"),
            "protocol: the answer of h has a transfer coding other than chunked");
  EXPECT_EQ(bad("Content-Length: 3\r\nContent-Length: 4\r\n\r\n"),
            "protocol: the answer of h is not valid HTTP: multiple Content-Length");
  EXPECT_EQ(bad("Content-Length: -1\r\n\r\n"), "protocol: the answer of h is not valid HTTP: bad Content-Length");
  EXPECT_EQ(bad("Content-Length: 99999999999999999999999\r\n\r\n"),
            "protocol: the answer of h is not valid HTTP: bad Content-Length");
  EXPECT_EQ(bad("Bad Name: x\r\n\r\n"), "protocol: the answer of h is not valid HTTP: bad field");
  EXPECT_EQ(bad("Name : x\r\n\r\n"), "protocol: the answer of h is not valid HTTP: bad field");
  EXPECT_EQ(bad("Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), "protocol: the answer of h is not valid HTTP: bad chunk");
  EXPECT_EQ(bad("Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n\r\n"),
            "protocol: the answer of h is not valid HTTP: bad chunk");
}

TEST(AnswerReader, SaysWhereAnAnswerWasCutOff) {
  const std::string begun = "connection_lost: the connection to h broke: it was closed ";
  EXPECT_EQ(failure("", true), begun + "before an answer came");
  EXPECT_EQ(failure("HTT", true), begun + "in the head of the answer");
  EXPECT_EQ(failure("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true), begun + "after 3 of 10 bytes");
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
  EXPECT_EQ(failure(chunked, true), begun + "in the middle of a chunked answer");
  EXPECT_EQ(failure(chunked + "0\r\n", true), begun + "in the middle of a chunked answer");
}

std::string many_fields(std::size_t count) {
  std::string out = "HTTP/1.1 200 OK\r\n";
  for (std::size_t i = 0; i < count; ++i) out += "X: y\r\n";
  return out;
}

TEST(AnswerReader, BoundsTheNumberOfFields) {
  const std::string fits = many_fields(answer_reader::max_fields - 2) + "Transfer-Encoding: chunked\r\n\r\n0\r\n";
  EXPECT_EQ(failure(fits + "T: 1\r\n\r\n"), "");
  EXPECT_EQ(failure(fits + "T: 1\r\nT: 2\r\n\r\n"), "too_large: the answer of h has more than 256 header fields");
  EXPECT_EQ(failure(many_fields(257) + "\r\n"), "too_large: the answer of h has more than 256 header fields");
}

TEST(AnswerReader, BoundsTheSizeOfTheHead) {
  const auto with_value = [](std::size_t size) {
    return read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + std::string(size, 'x') + "\r\n\r\n", 1000, false).failure;
  };
  const std::string over = "too_large: the head of the answer of h is larger than 65536 bytes";
  EXPECT_EQ(with_value(60'000), "");
  EXPECT_EQ(with_value(70'000), over);
  EXPECT_EQ(read("HTTP/1.1 200 " + std::string(70'000, 'x'), 1000, false).failure, over);
  EXPECT_EQ(read("HTTP/1.1 200 " + std::string(70'000, 'x'), 100'000, false).failure, over);
}

// A head may come in pieces without an end, as may what stands between chunks.
TEST(AnswerReader, RefusesEndlessLinesBetweenChunks) {
  const std::string begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string over = "too_large: the answer of h has an endless line between its chunks";
  EXPECT_EQ(read(begun + "1;" + std::string(70'000, 'x'), 1000, false).failure, over);
  EXPECT_EQ(read(begun + "0\r\nX: " + std::string(70'000, 'x'), 1000, false).failure, over);
}

TEST(AnswerReader, ReleasesWhatItHasParsed) {
  answer_reader reader("h");
  std::string body;
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", body).has_value());
  for (int i = 0; i < 1000; ++i) {
    body.clear();
    ASSERT_TRUE(reader.feed(std::string(100, 'x'), body).has_value());
    EXPECT_EQ(body.size(), 100U);
  }
  EXPECT_TRUE(reader.done());
}

}  // namespace
}  // namespace mcpstate::http
