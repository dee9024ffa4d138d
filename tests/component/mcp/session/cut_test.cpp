// SPDX-License-Identifier: MIT
// Connections that break: every answer of a session, cut off after each of its bytes. The client ends with the whole truth
// or with an error, never with a part of the list, and does not ask for ever.
#include <algorithm>
#include <set>
#include <string>

#include "component/mcp/http_fixture.hh"
#include "component/mcp/mcp_support.hh"

namespace mcpstate::test {
namespace {

const std::set<errc> breaks = {errc::connection_lost, errc::outcome_unknown, errc::protocol};

http_reply whole_events(const http_seen& request, const std::string& result) {
  return stream_reply("retry: 1\nid: 1\ndata:\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":" + request.rpc_id +
                      ",\"result\":" + result + "}\n\n");
}

// One chunk per event.
http_reply chunked_events(const http_seen& request, const std::string& result) {
  const std::string event = "data: {\"jsonrpc\":\"2.0\",\"id\":" + request.rpc_id + ",\"result\":" + result + "}\n\n";
  char size[20];
  std::snprintf(size, sizeof size, "%zx", event.size());
  return http_reply(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n: hi\n\r\n" +
      std::string(size) + "\r\n" + event + "\r\n0\r\n\r\n");
}

enum class spelling { json, events, chunks };

http_reply spelled(spelling how, const http_seen& request, const std::string& result) {
  switch (how) {
    case spelling::events:
      return whole_events(request, result);
    case spelling::chunks:
      return chunked_events(request, result);
    default:
      return result_reply(request, result);
  }
}

struct session_kind {
  session_kind(spelling how_, bool modern_) : how(how_), modern(modern_) {}
  spelling how;
  bool modern;
};

http_reply whole_reply(const session_kind& kind, const http_seen& request) {
  if (request.rpc_method == "server/discover" && kind.modern) {
    return spelled(kind.how, request,
                   R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}})");
  }
  if (request.method == "GET") return http_reply("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
  if (request.rpc_method == "initialize") return spelled(kind.how, request, initialize_result);
  if (request.rpc_method == "tools/list")
    return spelled(kind.how, request, R"({"resultType":"complete","tools":[)" + plain_tool + "]}");
  return usual_reply(request);
}

// What came of one session in which the answer to `method` was cut after `offset` bytes, every time it was asked.
struct outcome {
  outcome() {}
  bool complete = false;  // there was nothing left to cut
  bool success = false;
  std::string story;
};

void judge(outcome& out, const result<mcp::tool_listing>& listed) {
  if (listed) {
    out.success = true;
    EXPECT_EQ(listed->tools.bytes(), "[" + plain_tool + "]") << out.story;
    return;
  }
  EXPECT_TRUE(breaks.contains(listed.error().code())) << out.story << listed.error().full_text();
  EXPECT_FALSE(listed.error().detail().empty()) << out.story;
}

task<mcp::tool_listing> connect_and_list(mcp::http_target where) {
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, std::move(where), test_options());
  if (!opened) co_return opened.error();
  auto listed = co_await (*opened)->list_tools();
  co_await (*opened)->close();
  co_return listed;
}

asio::awaitable<outcome> play(session_kind kind, std::string method, std::size_t offset) {
  const auto executor = co_await asio::this_coro::executor;
  outcome out;
  out.story = method + " cut at " + std::to_string(offset) + ": ";
  scripted_server server(executor, [&](const http_seen& request) {
    http_reply reply = whole_reply(kind, request);
    if (request.rpc_method != method) return reply;
    out.complete = offset >= reply.bytes.size();
    reply.bytes.resize(std::min(offset, reply.bytes.size()));
    reply.after = http_reply::then::close;
    return reply;
  });
  mcp::http_target where;
  where.url = server.url();
  auto working = connect_and_list(std::move(where));
  const auto listed = co_await std::move(working);
  judge(out, listed);
  EXPECT_LE(server.seen.size(), 16U) << out.story;
  co_await server.close();
  co_return out;
}

asio::awaitable<void> cut_everywhere(session_kind kind, std::string method) {
  outcome last;
  for (std::size_t offset = 0; !last.complete && offset < 2000; ++offset) {
    auto playing = play(kind, method, offset);
    last = co_await std::move(playing);
    if (::testing::Test::HasFailure()) co_return;
    if (offset == 0) {
      EXPECT_FALSE(last.success) << last.story;
    }
  }
  EXPECT_TRUE(last.complete && last.success) << last.story;
}

void cut(session_kind kind, const std::string& method) {
  run_co_test([&](asio::io_context&) { return cut_everywhere(kind, method); }, std::chrono::seconds(120));
}

TEST(CutAnswer, FailsTheHandshakeInJsonAtEveryByte) { cut(session_kind(spelling::json, false), "initialize"); }
TEST(CutAnswer, FailsTheHandshakeInEventsAtEveryByte) { cut(session_kind(spelling::events, false), "initialize"); }
TEST(CutAnswer, FailsTheListInJsonAtEveryByte) { cut(session_kind(spelling::json, false), "tools/list"); }
TEST(CutAnswer, FailsTheListInEventsAtEveryByte) { cut(session_kind(spelling::events, false), "tools/list"); }
TEST(CutAnswer, FailsTheListInChunksAtEveryByte) { cut(session_kind(spelling::chunks, false), "tools/list"); }
TEST(CutAnswer, FailsTheModernProbeAtEveryByte) { cut(session_kind(spelling::json, true), "server/discover"); }
TEST(CutAnswer, FailsTheModernListInJsonAtEveryByte) { cut(session_kind(spelling::json, true), "tools/list"); }
TEST(CutAnswer, FailsTheModernListInChunksAtEveryByte) { cut(session_kind(spelling::chunks, true), "tools/list"); }

}  // namespace
}  // namespace mcpstate::test
