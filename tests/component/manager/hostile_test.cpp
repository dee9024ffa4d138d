// SPDX-License-Identifier: MIT
// Servers that mean harm, and bugs that one of them brings to light: one connection pays for it, and no other.
#include <string>

#include "component/manager/scene.hh"
#include "support/compress.hh"
#include "support/heap_peak.hh"
#include "support/trapped_backend.hh"
#include "support/turns/turns.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// A stream that announces as fast as it can.
http_reply flood(const std::string& method) {
  const std::string one = "data: {\"jsonrpc\":\"2.0\",\"method\":\"" + method + "\"}\n\n";
  return open_stream_reply(repeated(one, 100'000), std::make_shared<http_rest>());
}

asio::awaitable<void> outlives(std::string method) {
  const auto executor = co_await asio::this_coro::executor;
  auto records = make_memory_store(executor, store_options());
  auto answer = [&method](const http_seen& request) {
    if (request.method == "GET") return flood(method);
    if (request.rpc_method == "server/discover") return empty_reply(404);
    if (request.rpc_method != "initialize") return usual_reply(request);
    return result_reply(request, R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},)"
                                 R"("serverInfo":{"name":"flood","version":"1"}})");
  };
  scripted_server hostile(executor, answer);
  announcing_server sound(executor);
  auto managing = make_manager(*records, quick_options());
  auto up = co_await connect_and_settle(*managing, user(1), by_url(hostile.url()));
  CO_ASSERT_OK(up);
  const auto begun = steady::now();
  auto other = co_await connect_and_settle(*managing, user(2), by_url(sound.url()));
  CO_ASSERT_OK(other);
  EXPECT_LT(steady::now() - begun, 5s);
  co_await managing->close();
  EXPECT_LT(steady::now() - begun, 8s);
  co_await records->close();
  co_await hostile.close();
  co_await sound.stop();
}

TEST(HostileServer, AnnouncementsNeverHoldUpOthers) {
  for (const char* const method :
       {"notifications/tools/list_changed", "notifications/message", "notifications/prompts/list_changed"})
    run_co_test([method](asio::io_context&) { return outlives(method); }, 60s);
}

// A server that announces as fast as it can, and has another list of two megabytes each time, while the store is no use.
struct greedy_server {
  greedy_server() {}
  static constexpr std::size_t list_bytes = 2'000'000;
  gzip_stream zip;
  std::shared_ptr<http_rest> stream = std::make_shared<http_rest>();
  int streams = 0, lists = 0;

  std::string flood() {
    const outside_turns own;
    std::string out;
    for (int i = 0; i < 60'000; ++i)
      out += zip.add("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n: " +
                         std::to_string(i * 7919 % 99'991) + "\n",
                     false);
    return out + zip.add("");
  }

  http_reply list(const http_seen& request) {
    const outside_turns own;
    ++lists;
    gzip_stream body;
    std::string packed =
        body.add(R"({"jsonrpc":"2.0","id":)" + request.rpc_id + R"(,"result":{"tools":[{"name":"a","description":")", false);
    for (std::size_t i = 0; i < list_bytes / 300; ++i)
      packed += body.add(std::string(290, 'x') + std::to_string(10'000'000 + static_cast<long>(i) * 7919 + lists), false);
    packed += body.add("\"}]}}", false);
    packed += body.finish();
    return http_reply("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: " +
                      std::to_string(packed.size()) + "\r\n\r\n" + packed);
  }

  http_reply answer(const http_seen& request) {
    if (request.method == "GET" && ++streams == 1) {
      http_reply out(
          "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" +
          zip.add(": here\n\n"));
      out.after = http_reply::then::hang;
      out.rest = stream;
      return out;
    }
    if (request.rpc_method == "server/discover") return empty_reply(404);
    if (request.rpc_method == "tools/list") return list(request);
    if (request.rpc_method != "initialize") return usual_reply(request);
    return result_reply(request, R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},)"
                                 R"("serverInfo":{"name":"greedy","version":"1"}})");
  }
};

asio::awaitable<void> is_bounded(bool gone) {
  const auto executor = co_await asio::this_coro::executor;
  const auto gate = std::make_shared<store_gate>();
  store records(
      make_trapped_backend(make_memory_backend(executor, store_options()), [](std::string_view, const owner&) {}, gate));
  greedy_server script;
  scripted_server server(executor, [&script](const http_seen& request) { return script.answer(request); });
  auto options = quick_options();
  options.lease_time = 30s;
  auto managing = make_manager(records, options);
  CO_ASSERT_OK(co_await connect_and_settle(*managing, user(1), by_url(server.url())));
  const auto shut = std::make_shared<aio::latch>();
  gate->gone = gone;
  if (!gone) gate->shut = shut;
  const heap_peak heap;
  for (int wave = 0; wave < 3; ++wave) script.stream->add(script.flood());
  script.stream->end();
  EXPECT_TRUE(co_await eventually([&script] { return script.streams > 1 && script.lists > 1; }, 30s));
  EXPECT_LE(heap.bytes(), heap_bound(greedy_server::list_bytes) + 1'500'000);
  gate->shut = nullptr;
  gate->gone = false;
  shut->open();
  EXPECT_TRUE((co_await seen(records, user(1), is(status::connected))).has_value());
  co_await managing->close();
  co_await records.close();
  co_await server.close();
}

TEST(HostileServer, HeapStaysBoundedWhileTheStoreIsSlowOrGone) {
  for (const bool gone : {false, true}) {
    SCOPED_TRACE(gone ? "gone" : "slow");
    run_co_test([gone](asio::io_context&) { return is_bounded(gone); }, 120s);
  }
}

// The server forgets its sessions, and says so inside its answers.
asio::awaitable<void> notices(scene& s) {
  CO_ASSERT_OK(co_await connect_and_settle(*s.managing, user(1), by_url(s.url())));
  s.server->forget_sessions();
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);                // the server has refused it, so it is repeated
  EXPECT_GE(s.server->sessions(), 2);  // one more for the call, and perhaps one for the connection
  const auto record = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_OK(record);
  CO_ASSERT_TRUE(record->has_value());
  EXPECT_EQ((**record).state, status::connected);
}

TEST(LostSessionOfAConnection, ToldInsideACallIsOpenedAnew) { play(notices); }

}  // namespace
}  // namespace mcpstate::test
