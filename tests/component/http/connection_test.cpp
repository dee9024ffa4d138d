// SPDX-License-Identifier: MIT
// One connection against servers that send odd bytes at odd times.
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <memory>
#include <string>

#include <mcpstate/aio/task_group.hpp>

#include "component/mcp/http_fixture.hh"
#include "component/mcp/raw_peer.hh"
#include "support/compress.hh"
#include "support/heap.hh"
#include "support/turns/outside_turns.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

http::url url_of(const scripted_server& server) { return http::parse_url(server.url()).value(); }

// The answer to one request, and what came of it.
struct exchanged {
  exchanged() {}
  std::unique_ptr<http::connection> connection;
  result<http::head> head = error(errc::bug, "not read");
  result<std::string> body = error(errc::bug, "not read");
};

asio::awaitable<exchanged> ask_once(scripted_server& server) {
  exchanged out;
  auto opened = co_await http::open_connection(co_await asio::this_coro::executor, url_of(server), nullptr);
  out.connection = std::move(opened.value());
  auto request = post();
  out.head = co_await out.connection->send(request);
  if (out.head) out.body = co_await read_whole(*out.connection);
  co_return out;
}

asio::awaitable<void> expect_refused(std::string bytes, errc code, std::string words) {
  http_reply reply(bytes);
  reply.after = http_reply::then::close;
  auto answer = [reply](const http_seen&) { return reply; };
  scripted_server server(co_await asio::this_coro::executor, std::move(answer));
  auto got = co_await ask_once(server);
  const error why = !got.head ? got.head.error() : got.body ? error(errc::bug, "nothing was refused") : got.body.error();
  EXPECT_EQ(name_of(why.code()), name_of(code)) << why.full_text();
  EXPECT_NE(why.detail().find(words), std::string::npos) << why.full_text();
  EXPECT_FALSE(got.connection->reusable());
  co_await server.close();
}

void refused(const std::string& bytes, errc code, const std::string& words) {
  run_co_test([&](asio::io_context&) { return expect_refused(bytes, code, words); });
}

CO_TEST(HttpConnection, ReadsAnAnswerByteByByte) {
  http_reply reply(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nRetry-After: 7\r\nwww-authenticate: "
      "Bearer\r\n"
      "Location: /x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n");
  reply.byte_by_byte = true;
  auto answer = [reply](const http_seen&) { return reply; };
  scripted_server server(co_await asio::this_coro::executor, std::move(answer));
  auto got = co_await ask_once(server);
  CO_ASSERT_OK(got.head);
  CO_ASSERT_OK(got.body);
  EXPECT_EQ(got.head->status, 401U);
  EXPECT_EQ(got.head->www_authenticate, (std::vector<std::string>{"Basic", "Bearer"}));
  EXPECT_EQ(got.head->retry_after, "7");
  EXPECT_EQ(got.head->location, "/x");
  EXPECT_EQ(*got.body, "abc");
  EXPECT_TRUE(got.connection->reusable());
  auto again = post();
  const auto second = co_await got.connection->send(again);
  CO_ASSERT_OK(second);
  EXPECT_FALSE(got.connection->reusable());  // before the body has been read
  EXPECT_EQ(server.connections, 1);
  co_await server.close();
}

TEST(HttpConnection, LimitsHeadsAndFields) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  refused(head + "X: " + std::string(1'000'000, 'x') + "\r\n\r\n", errc::too_large, "larger than 65536 bytes");
  std::string fields;
  for (int i = 0; i < 1000; ++i) fields += "A: b\r\n";
  refused(head + fields + "\r\n", errc::too_large, "more than 256 header fields");
  std::string interim;
  for (int i = 0; i < 1000; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  refused(interim, errc::protocol, "interim answers");
}

TEST(HttpConnection, RefusesBrokenAnswers) {
  refused("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", errc::connection_lost, "closed after 3 of 10 bytes");
  refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", errc::connection_lost,
          "middle of a chunked answer");
  refused("HTTP/1.1 200 OK\r\nContent-Le", errc::connection_lost, "in the head of the answer");
  refused("", errc::connection_lost, "before an answer came");
  refused("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", errc::protocol,
          "both Content-Length");
  refused("SSH-2.0-OpenSSH_9.2p1\r\n", errc::protocol, "does not speak HTTP");
}

TEST(HttpConnection, RefusesBrokenCompression) {
  const auto answer = [](const std::string& coding, const std::string& bytes) {
    return "HTTP/1.1 200 OK\r\nContent-Encoding: " + coding + "\r\nContent-Length: " + std::to_string(bytes.size()) +
           "\r\n\r\n" + bytes;
  };
  const std::string good = compress("{}");
  refused(answer("gzip", good.substr(0, good.size() - 1)), errc::protocol, "its end is missing");
  refused(answer("gzip", "{}"), errc::protocol, "not compressed as it says");
  refused(answer("gzip", good + "xx"), errc::protocol, "not compressed as it says");
  refused(answer("br", "{}"), errc::protocol, "in a way that was not asked for");
  refused(answer("gzip, gzip", compress(good)), errc::protocol, "in a way that was not asked for");
}

// They would pass for the answer to the next request.
CO_TEST(HttpConnection, EndsAfterSurplusBytes) {
  auto answer = [](const http_seen&) {
    return http_reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  };
  scripted_server server(co_await asio::this_coro::executor, answer);
  auto got = co_await ask_once(server);
  CO_ASSERT_OK(got.body);
  EXPECT_EQ(*got.body, "ok");
  EXPECT_FALSE(got.connection->reusable());
  co_await server.close();
}

// What a server did to a connection while it was idle, and what the next request on it meets.
asio::awaitable<void> idle(bool says_goodbye) {
  raw_peer peer(co_await asio::this_coro::executor);
  auto opened = co_await http::open_connection(co_await asio::this_coro::executor, peer.url(), nullptr);
  CO_ASSERT_OK(opened);
  co_await peer.accept();
  co_await peer.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
  auto request = post();
  CO_ASSERT_OK(co_await (*opened)->send(request));
  EXPECT_TRUE((*opened)->reusable());
  if (says_goodbye) co_await peer.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  if (!says_goodbye) peer.close();
  auto late = post();
  const auto second = co_await (*opened)->send(late);
  CO_ASSERT_FAILS(second, errc::connection_lost);
  EXPECT_NE(second.error().detail().find("while it was idle"), std::string::npos) << second.error().detail();
  EXPECT_FALSE((*opened)->answered());
  EXPECT_FALSE((*opened)->reusable());
}

TEST(HttpConnection, NoticesBytesAndClosesWhileIdle) {
  run_co_test([](asio::io_context&) { return idle(true); });
  run_co_test([](asio::io_context&) { return idle(false); });
}

asio::awaitable<void> stalls(std::string begun) {
  const auto executor = co_await asio::this_coro::executor;
  raw_peer peer(executor);
  auto opened = co_await http::open_connection(executor, peer.url(), nullptr);
  CO_ASSERT_OK(opened);
  co_await peer.accept();
  co_await peer.write(begun);
  auto request = post();
  auto asking = (*opened)->send(request);
  const auto head = co_await aio::with_deadline(std::move(asking), aio::after(100ms), "the head");
  if (head) {
    auto reading = read_whole(**opened);
    const auto rest = co_await aio::with_deadline(std::move(reading), aio::after(100ms), "the body");
    CO_ASSERT_FAILS(rest, errc::deadline);
  } else {
    CO_ASSERT_FAILS(head, errc::deadline);
  }
  EXPECT_EQ((*opened)->answered(), !begun.empty());
  EXPECT_FALSE((*opened)->reusable());
}

TEST(HttpConnection, TimesOutWhenTheServerStalls) {
  for (const char* const begun : {"", "H", "HTTP/1.1 200 OK\r\nConte", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5",
                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"}) {
    run_co_test([&](asio::io_context&) { return stalls(begun); });
  }
}

asio::awaitable<void> send_for_ever(raw_peer& peer) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::string bytes(100'000, 'x');
  for (;;) {
    auto [ec, size] = co_await asio::async_write(peer.socket(), asio::buffer(bytes), aio::use_ec);
    static_cast<void>(size);
    if (ec) co_return;
  }
}

task<void> read_for_ever(http::connection& from) {
  for (;;) {
    const auto piece = co_await from.read_body();
    if (!piece) co_return piece.error();
  }
}

// There is always something to read: neither the deadline nor the others of the executor may starve.
CO_TEST(HttpConnection, MeetsItsDeadlineInAnEndlessStream) {
  const auto executor = co_await asio::this_coro::executor;
  raw_peer peer(executor);
  auto opened = co_await http::open_connection(executor, peer.url(), nullptr);
  CO_ASSERT_OK(opened);
  co_await peer.accept();
  co_await peer.write("HTTP/1.1 200 OK\r\n\r\n");
  auto request = post();
  CO_ASSERT_OK(co_await (*opened)->send(request));
  aio::task_group group(executor, aio::end_process);
  group.spawn("send", send_for_ever(peer));
  auto reading = read_for_ever(**opened);
  const auto read = co_await aio::with_deadline(std::move(reading), aio::after(100ms), "the body");
  opened->reset();
  co_await group.stop();
  CO_ASSERT_FAILS(read, errc::deadline);
}

std::string chunk(const std::string& bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

// Each event is there as soon as the server has flushed it, and the stream need not end.
CO_TEST(HttpConnection, DeliversCompressedEventsAsTheyAreFlushed) {
  const auto executor = co_await asio::this_coro::executor;
  raw_peer peer(executor);
  auto opened = co_await http::open_connection(executor, peer.url(), nullptr);
  CO_ASSERT_OK(opened);
  co_await peer.accept();
  co_await peer.write(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
  auto request = post();
  CO_ASSERT_OK(co_await (*opened)->send(request));
  const std::vector<std::string> events = {"data: {\"a\":1}\n\n", "data: {\"a\":2}\n\n", "data: {\"a\":3}\n\n"};
  const std::string all = compress(events);
  const std::string flushed("\x00\x00\xFF\xFF", 4);  // how zlib marks the place
  std::size_t from = 0;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    const std::size_t to = all.find(flushed, from) + flushed.size();
    co_await peer.write(chunk(all.substr(from, to - from)));
    const auto piece = co_await (*opened)->read_body();
    CO_ASSERT_OK(piece);
    EXPECT_EQ(*piece, events[i]);
    from = to;
  }
  co_await peer.write(chunk(all.substr(from)) + "0\r\n\r\n");
  const auto rest = co_await read_whole(**opened);
  CO_ASSERT_OK(rest);
  EXPECT_EQ(*rest, events.back());
  EXPECT_TRUE((*opened)->reusable());
}

CO_TEST(HttpConnection, DecompressesABombInSmallPieces) {
  std::string plain;
  for (int i = 0; plain.size() < 10'000'000; ++i) plain += std::string(200, 'x') + std::to_string(i);
  const std::string packed = compress(plain);
  EXPECT_LT(packed.size(), plain.size() / 25);
  auto answer = [&packed](const http_seen&) {
    return http_reply("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(packed.size()) +
                      "\r\n\r\n" + packed);
  };
  scripted_server server(co_await asio::this_coro::executor, answer);
  auto opened = co_await http::open_connection(co_await asio::this_coro::executor, url_of(server), nullptr);
  CO_ASSERT_OK(opened);
  auto request = post();
  CO_ASSERT_OK(co_await (*opened)->send(request));
  const std::size_t before = heap_in_use();
  std::size_t size = 0;
  std::size_t most = 0;
  for (;;) {
    const auto piece = co_await (*opened)->read_body();
    CO_ASSERT_OK(piece);
    if (piece->empty()) break;
    size += piece->size();
    most = std::max(most, heap_in_use());
    EXPECT_LE(piece->size(), 65536U);
  }
  EXPECT_EQ(size, plain.size());
  EXPECT_LT(most, before + 250'000);
  EXPECT_TRUE((*opened)->reusable());
  co_await server.close();
}

CO_TEST(HttpConnection, MovesLargeBodiesBothWays) {
  const std::string large(3'000'000, 'x');
  auto answer = [&](const http_seen& request) {
    EXPECT_EQ(request.body.size(), large.size());
    return text_reply(200, "text/plain", large);
  };
  scripted_server server(co_await asio::this_coro::executor, answer);
  auto opened = co_await http::open_connection(co_await asio::this_coro::executor, url_of(server), nullptr);
  CO_ASSERT_OK(opened);
  for (int i = 0; i < 2; ++i) {
    auto request = post(large);
    CO_ASSERT_OK(co_await (*opened)->send(request));
    const auto got = co_await read_whole(**opened);
    CO_ASSERT_OK(got);
    EXPECT_TRUE(*got == large);
    EXPECT_TRUE((*opened)->reusable());
  }
  EXPECT_EQ(server.connections, 1);
  co_await server.close();
}

CO_TEST(HttpConnection, ReportsAServerWithoutTls) {
  const auto executor = co_await asio::this_coro::executor;
  raw_peer peer(executor);
  net::tls_context tls;
  {
    const outside_turns own;  // the certificates of the system are read once
    tls = net::shared_tls_context(net::tls_files()).value();
  }
  auto opening = http::open_connection(executor, peer.url("localhost", "https"), tls);
  auto answering = [](raw_peer& who) -> asio::awaitable<void> {
    co_await who.accept();
    co_await who.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  };
  using namespace asio::experimental::awaitable_operators;
  auto both = std::move(opening) && answering(peer);
  const auto opened = co_await std::move(both);
  CO_ASSERT_FAILS(opened, errc::tls_failed);
  EXPECT_NE(opened.error().detail().find("does not speak TLS (is it http://?)"), std::string::npos)
      << opened.error().detail();
}

}  // namespace
}  // namespace mcpstate::test
