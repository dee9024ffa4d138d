// SPDX-License-Identifier: MIT
#include "service/http/request_reader.hh"

#include <gtest/gtest.h>

#include <vector>

namespace mcpstate::service {
namespace {

using stage = request_reader::stage;

const std::string host = "Host: x\r\n";

std::string get(const std::string& fields = {}, const std::string& target = "/") {
  return "GET " + target + " HTTP/1.1\r\n" + host + fields + "\r\n";
}
std::string post(const std::string& fields, const std::string& body) {
  return "POST / HTTP/1.1\r\n" + host + fields + "\r\n" + body;
}

// Feeds pieces of this size, and reads every body; answers the requests that came.
std::vector<http_request> read_all(request_reader& reader, std::string_view bytes, std::size_t piece,
                                   std::size_t limit = 1000) {
  std::vector<http_request> out;
  while (!bytes.empty() && reader.current_stage() != stage::broken) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (reader.current_stage() == stage::headed || reader.current_stage() == stage::done) {
      if (reader.current_stage() == stage::headed) reader.read_body(limit);
      if (reader.current_stage() == stage::done) out.push_back(reader.take());
    }
  }
  return out;
}

problem fault_of(const std::string& bytes, std::size_t limit = 1000) {
  std::optional<problem> whole;
  for (const std::size_t piece : {bytes.size(), std::size_t{1}}) {
    request_reader reader;
    read_all(reader, bytes, piece, limit);
    EXPECT_EQ(reader.current_stage(), stage::broken) << bytes.substr(0, 200);
    if (reader.current_stage() != stage::broken) return problem(problem_kind::internal, "not refused");
    if (whole) {
      EXPECT_EQ(whole->kind, reader.fault().kind) << bytes.substr(0, 200);
    }
    whole = reader.fault();
  }
  return *whole;
}

unsigned status_of(const std::string& bytes, std::size_t limit = 1000) {
  return facts_of(fault_of(bytes, limit).kind).status;
}

TEST(RequestReader, ReadsPipelinedRequestsHoweverTheyAreCut) {
  const std::string bytes = get("X-Request-Id: 1\r\n", "/a") + "\r\n\r\n" +
                            post("Content-Length: 3\r\nContent-Type: text/plain\r\n", "one") +
                            post("Transfer-Encoding: chunked\r\n", "3;x=y\r\ntwo\r\n1\r\n!\r\n0\r\nTrailer: t\r\n\r\n") +
                            post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n") + post("Content-Length: 0\r\n", "") +
                            get("If-Match: \"a\"\r\nIf-Match: \"b\"\r\n");
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    request_reader reader;
    const auto all = read_all(reader, bytes, piece);
    ASSERT_EQ(all.size(), 6u) << piece;
    EXPECT_EQ(all[0].target, "/a");
    EXPECT_EQ(all[0].request_id, "1");
    EXPECT_EQ(all[1].body, "one");
    EXPECT_EQ(all[1].content_type, "text/plain");
    EXPECT_EQ(all[2].body, "two!");
    EXPECT_EQ(all[3].body, "");
    EXPECT_FALSE(all[4].has_body);
    EXPECT_EQ(all[5].if_match, "\"a\", \"b\"");
    EXPECT_EQ(reader.current_stage(), stage::idle);
    EXPECT_FALSE(reader.has_more());
  }
}

TEST(RequestReader, StopsBehindTheHeadUntilTold) {
  request_reader reader;
  reader.feed(post("Content-Length: 4\r\nExpect: 100-continue\r\n", "bo"));
  ASSERT_EQ(reader.current_stage(), stage::headed);
  EXPECT_EQ(reader.request().content_length, 4u);
  EXPECT_TRUE(reader.request().has_body);
  EXPECT_EQ(reader.request().expect, "100-continue");
  EXPECT_TRUE(reader.has_more());
  EXPECT_EQ(reader.request().body, "");
  reader.read_body(4);
  EXPECT_EQ(reader.current_stage(), stage::body);
  reader.feed("dy" + get());
  ASSERT_EQ(reader.current_stage(), stage::done);
  EXPECT_EQ(reader.take().body, "body");
  EXPECT_EQ(reader.current_stage(), stage::headed);
}

TEST(RequestReader, DecidesWhetherTheConnectionIsKept) {
  const auto keeps = [](const std::string& bytes) {
    request_reader reader;
    return read_all(reader, bytes, bytes.size()).at(0).keep_alive;
  };
  EXPECT_TRUE(keeps(get()));
  EXPECT_FALSE(keeps(get("Connection: close\r\n")));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestReader, RefusesDuplicateFields) {
  for (const char* field : {"Host: x", "Content-Length: 2", "Authorization: Bearer a", "Content-Type: application/json",
                            "Origin: http://a", "Expect: 100-continue", "X-Request-Id: 1"}) {
    const std::string twice = std::string(field) + "\r\n" + field + "\r\n";
    EXPECT_EQ(status_of(post(twice, "{}")), 400u) << field;
  }
  EXPECT_NE(fault_of(post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}")).detail.find("twice"), std::string::npos);
}

TEST(RequestReader, RefusesRequestSmuggling) {
  const std::string chunks = "0\r\n\r\n";
  EXPECT_EQ(status_of(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks)), 400u);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunks)), 400u);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks)), 400u);
  EXPECT_EQ(status_of(post("Transfer-Encoding: gzip, chunked\r\n", chunks)), 400u);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked, identity\r\n", chunks)), 400u);
  EXPECT_EQ(status_of(post("Transfer-Encoding: xchunked\r\n", chunks)), 400u);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks), 400u);
  EXPECT_EQ(status_of(post("Transfer-Encoding : chunked\r\n", chunks)), 400u);
  EXPECT_EQ(status_of(post("Content-Length : 2\r\n", "{}")), 400u);
  for (const char* length :
       {"-1", "+2", "0x2", "2, 2", "2,3", "2 2", "", "1e1", "99999999999999999999", "18446744073709551617"}) {
    EXPECT_EQ(status_of(post("Content-Length: " + std::string(length) + "\r\n", "{}")), 400u) << length;
  }
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: x\n\n\r\n\r\n"), 400u);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"), 400u);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nA\x01: b\r\n\r\n"), 400u);
  EXPECT_EQ(status_of(std::string("GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n", 29)), 400u);
}

TEST(RequestReader, RefusesBrokenChunks) {
  const auto chunked = [](const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); };
  EXPECT_EQ(status_of(chunked("g\r\n")), 400u);
  EXPECT_EQ(status_of(chunked("2\r\nabX\r\n\r\n")), 400u);
  EXPECT_EQ(status_of(chunked("11111111111111111\r\n")), 400u);
  EXPECT_EQ(status_of(chunked("fffffffffffffff\r\n" + std::string(2000, 'x'))), 413u);
  EXPECT_EQ(status_of(chunked("1;" + std::string(20 * 1024, 'x'))), 400u);
}

TEST(RequestReader, RefusesOtherProtocols) {
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n\r\n"), 505u);
  EXPECT_EQ(status_of("GET /\r\n\r\n"), 400u);
  EXPECT_EQ(status_of("\x16\x03\x01\x02 hello this is TLS\r\n\r\n"), 400u);
  EXPECT_EQ(status_of("G@T / HTTP/1.1\r\n\r\n"), 400u);
  EXPECT_EQ(status_of("GET  / HTTP/1.1\r\n\r\n"), 400u);
}

TEST(RequestReader, LimitsHeadTargetAndBody) {
  EXPECT_EQ(status_of(get("A: " + std::string(17 * 1024, 'a') + "\r\n")), 431u);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: " + std::string(17 * 1024, 'a')), 431u);
  EXPECT_EQ(status_of("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n"), 414u);
  std::string many;
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  EXPECT_EQ(status_of(get(many)), 431u);
  EXPECT_EQ(status_of(post("Content-Length: 1001\r\n", "")), 413u);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "3e9\r\n" + std::string(1001, 'x'))), 413u);
  EXPECT_EQ(status_of(post("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "{}")), 415u);
}

TEST(RequestReader, RefusesAnAbsurdLengthWithoutAllocating) {
  request_reader reader;
  reader.feed(post("Content-Length: 999999999999999\r\n", ""));
  ASSERT_EQ(reader.current_stage(), stage::headed);
  reader.read_body(1024);
  EXPECT_EQ(reader.current_stage(), stage::broken);
  EXPECT_EQ(reader.fault().kind, problem_kind::too_large);
}

}  // namespace
}  // namespace mcpstate::service
