// SPDX-License-Identifier: MIT
// The client against HTTP servers that send too much, too late, or break the connection; and TLS.
#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

#include "component/mcp/http_plan.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

TEST(HttpClient, ReadsTenMegabytesOfTools) {
  plan what;
  what.answer = on_tools([](const http_seen& request) {
    std::string tools;
    for (int i = 0; i < 1000; ++i) {
      if (i > 0) tools += ',';
      tools += R"({"name":"t)" + std::to_string(i) + R"(","d":")" + std::string(10'000, 'x') + "\"}";
    }
    return result_reply(request, R"({"tools":[)" + tools + "]}");
  });
  what.on_list = [](const result<mcp::tool_listing>& listed) {
    ASSERT_TRUE(listed.has_value()) << listed.error().full_text();
    EXPECT_EQ(listed->tools.count(), 1000U);
    EXPECT_GT(listed->tools.bytes().size(), 10'000'000U);
  };
  run(what);
}

TEST(HttpClient, RefusesAnAnswerOverTheLimit) {
  plan what;
  what.options.max_message_bytes = 50'000;
  what.answer =
      on_tools([](const http_seen& request) { return result_reply(request, "\"" + std::string(60'000, 'x') + "\""); });
  what.on_list = list_fails(errc::too_large, "larger than 50000 bytes");
  run(what);
}

TEST(HttpClient, RefusesAnEventOverTheLimit) {
  plan what;
  what.options.max_message_bytes = 50'000;
  what.answer = on_tools([](const http_seen&) { return stream_reply("data: " + std::string(60'000, 'x')); });
  what.on_list = list_fails(errc::too_large, "one event of the server is larger than 50000 bytes");
  run(what);
}

TEST(HttpClient, StopsAtTheLimitOfPages) {
  plan what;
  what.options.max_pages = 7;
  auto pages = std::make_shared<int>(0);
  what.answer = on_tools([pages](const http_seen& request) {
    const std::string number = std::to_string(++*pages);
    return result_reply(request, R"({"tools":[{"name":"t)" + number + R"("}],"nextCursor":"c)" + number + "\"}");
  });
  what.on_list = list_fails(errc::too_large, "more than 7 pages");
  what.on_end = [pages](const scripted_server&) { EXPECT_EQ(*pages, 7); };
  run(what);
}

TEST(HttpClient, EndsAListAtAConstantCursor) {
  plan what;
  what.answer = on_tools([](const http_seen& request) {
    return result_reply(request, R"({"tools":[)" + plain_tool + R"(],"nextCursor":"same"})");
  });
  run(what);
}

TEST(HttpClient, StartsOverAfterARefusedCursor) {
  plan what;
  auto requests = std::make_shared<int>(0);
  what.answer = on_tools([requests](const http_seen& request) {
    switch (++*requests) {
      case 1:
        return result_reply(request, R"({"tools":[{"name":"stale"}],"nextCursor":"old"})");
      case 2:
        return json_reply(200, R"({"jsonrpc":"2.0","id":)" + request.rpc_id + R"(,"error":{"code":-32602,"message":"?"}})");
      default:
        return usual_reply(request);
    }
  });
  run(what);
}

TEST(HttpClient, TimesOutOnASlowAnswer) {
  plan what;
  what.options.request_timeout = 300ms;
  what.answer = on_tools([](const http_seen&) {
    http_reply reply;
    reply.after = http_reply::then::hang;
    return reply;
  });
  what.on_list = list_fails(errc::deadline, "did not answer tools/list within 300 ms");
  run(what);
}

TEST(HttpClient, TimesOutOnASlowHandshake) {
  plan what;
  what.options.connect_timeout = 300ms;
  what.answer = [](const http_seen&) {
    http_reply reply;
    reply.after = http_reply::then::hang;
    return reply;
  };
  what.on_connect = fails(errc::deadline, "did not answer server/discover within 300 ms");
  run(what);
}

TEST(HttpClient, ReportsAServerThatClosesAfterAccept) {
  plan what;
  what.refuse = 2;
  what.on_connect = [](const result<void>& connected) {
    ASSERT_FALSE(connected.has_value());
    EXPECT_EQ(name_of(connected.error().code()), "connection_lost") << connected.error().full_text();
  };
  what.on_end = [](const scripted_server& server) {
    EXPECT_EQ(server.connections, 2);
  };  // one for the probe, one for initialize: no request is tried again on a new connection
  run(what);
}

TEST(HttpClient, ReplacesAStaleConnectionOnce) {
  plan what;
  what.lists = 2;
  what.answer = [](const http_seen& request) {
    http_reply reply = usual_reply(request);
    reply.after = http_reply::then::close;  // although the answer did not say so
    return reply;
  };
  what.on_end = [](const scripted_server& server) {
    EXPECT_EQ(server.seen.size(), 5U);  // nothing was sent twice
    EXPECT_EQ(server.connections, 5);
  };
  run(what);
}

TEST(HttpClient, GivesUpOnAServerThatDropsEveryRequest) {
  plan what;
  what.answer = on_tools([](const http_seen&) {
    http_reply reply;
    reply.after = http_reply::then::close;
    return reply;
  });
  what.on_list = list_fails(errc::connection_lost, "broke");
  what.on_end = [](const scripted_server& server) {
    const auto asked = std::count_if(server.seen.begin(), server.seen.end(),
                                     [](const http_seen& request) { return request.rpc_method == "tools/list"; });
    EXPECT_EQ(asked, 3);  // on the kept connection, on a new one; and once more, as a list may be asked for twice
  };
  run(what);
}

CO_TEST(HttpClient, TakesARefusedPingForAnAnswer) {
  const auto answer = [](const http_seen& request) {
    if (request.rpc_method != "ping") return usual_reply(request);
    return json_reply(404, R"({"jsonrpc":"2.0","id":)" + request.rpc_id + R"(,"error":{"code":-32601,"message":"no"}})");
  };
  const auto executor = co_await asio::this_coro::executor;
  scripted_server server(executor, answer);
  mcp::http_target where;
  where.url = server.url();
  auto opened = co_await mcp::connect(executor, where, test_options());
  CO_ASSERT_OK(opened);
  const auto pinged = co_await (*opened)->ping();
  EXPECT_TRUE(pinged.has_value()) << pinged.error().full_text();
  co_await (*opened)->close();
  co_await server.close();
}

CO_TEST(HttpClient, ReportsARefusedConnection) {
  mcp::http_target where;
  where.url = "http://127.0.0.1:" + std::to_string(free_port()) + "/mcp";
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, where, test_options());
  CO_ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(name_of(opened.error().code()), "connect_failed") << opened.error().full_text();
}

asio::awaitable<void> bad_target(std::string url, std::string header, errc code) {
  mcp::http_target where;
  where.url = url;
  if (!header.empty()) where.headers.emplace_back(header, "x");
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, where, test_options());
  CO_ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(name_of(opened.error().code()), name_of(code)) << opened.error().full_text();
}

TEST(HttpClient, RefusesBadUrlsAndHeaders) {
  run_co_test([](asio::io_context&) { return bad_target("ftp://localhost/", "", errc::bad_url); });
  run_co_test([](asio::io_context&) { return bad_target("http://localhost/", "Mcp-Session-Id", errc::bad_argument); });
}

asio::awaitable<void> over_tls(test_certificate identity, std::string ca_file, std::string host, bool works) {
  const auto executor = co_await asio::this_coro::executor;
  scripted_server server(executor, usual_reply, identity);
  mcp::http_target where;
  where.url = server.url(host);
  auto options = test_options();
  options.ca_file = ca_file;
  auto opened = co_await mcp::connect(executor, where, options);
  EXPECT_EQ(opened.has_value(), works) << (opened ? "connected" : opened.error().full_text());
  if (opened) {
    const auto listed = co_await (*opened)->list_tools();
    EXPECT_TRUE(listed.has_value()) << listed.error().full_text();
    co_await (*opened)->close();
    EXPECT_EQ(server.connections, 1);
  } else {
    EXPECT_EQ(name_of(opened.error().code()), "tls_failed") << opened.error().full_text();
    EXPECT_TRUE(server.seen.empty());
  }
  co_await server.close();
}

TEST(HttpClient, VerifiesTheCertificate) {
  const temp_dir dir;
  const test_certificate identity = make_certificate();
  const std::string file = dir.file("ca.pem");
  std::ofstream(file) << identity.certificate_pem;
  run_co_test([&](asio::io_context&) { return over_tls(identity, file, "localhost", true); });
  run_co_test([&](asio::io_context&) { return over_tls(identity, file, "127.0.0.1", false); });  // another name
  run_co_test([&](asio::io_context&) { return over_tls(identity, "", "localhost", false); });    // unknown issuer
}

}  // namespace
}  // namespace mcpstate::test
