// SPDX-License-Identifier: MIT
// What a server can make a client hold by a stream that goes on, compressed: three times the messages under way, and a megabyte.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "component/mcp/http_plan.hh"
#include "support/compress.hh"
#include "support/heap_peak.hh"
#include "support/turns/turns.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using rest_ptr = std::shared_ptr<http_rest>;

// Of the server, which is in this process, and of the events that wait on its side.
constexpr std::size_t stream_server_bytes = 1'200'000;
constexpr int often = 60'000;

// What a server says that is more than it should: texts, how often each comes, and digits in the place of %.
struct greedy_events {
  greedy_events() {}
  std::string name;
  std::vector<std::pair<std::string, std::size_t>> parts;
  std::size_t message = 0;  // bytes of the largest event
};

const std::string filler(290, 'x');

// Digits that differ, so that the stream is not so dense that it would be refused.
std::string digits(std::size_t number) { return std::to_string(number * 7919 % 9'999'991 + 10'000'000); }

greedy_events large(std::string name, const std::string& begin, const std::string& end) {
  greedy_events out;
  out.name = std::move(name);
  const std::size_t times = 6'000'000 / 300;
  out.parts = {{begin, 1}, {filler + "%", times}, {end, 1}};
  out.message = times * 298;
  return out;
}

greedy_events many(std::string name, const std::string& event) {
  greedy_events out;
  out.name = std::move(name);
  out.parts = {{event + ": %\n", often}};
  return out;
}

std::string message_event(const std::string& text) { return "event: message\ndata: " + text + "\n\n"; }

std::vector<greedy_events> all_greedy() {
  std::vector<greedy_events> out{
      large("an answer to nobody", R"(data: {"jsonrpc":"2.0","id":99,"result":{"x":")", "\"}}\n\n"),
      large("an event without an end", "data: ", "\n"),
      large("a line without an end", "data: ", ""),
      large("an announcement", R"(data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":")", "\"}}\n\n"),
      large("a question", R"(data: {"jsonrpc":"2.0","id":"q","method":"roots/list","params":{"x":")", "\"}}\n\n"),
      large("no JSON", "data: [", "\n\n"),
      many("pings", message_event(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")),
      many("announcements", message_event(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})")),
      many("questions", message_event(R"({"jsonrpc":"2.0","id":"q","method":"roots/list"})")),
      many("answers", message_event(R"({"jsonrpc":"2.0","id":77,"result":{}})")),
      many("ids", "id: 12345\ndata:\n\n"),
      many("comments", ": nothing\n"),
      many("kinds", "event: x\nretry: 1\n\n")};
  auto id = large("an id", "id: ", "\n");
  id.parts.emplace_back("data: %\n\n", often);
  out.push_back(std::move(id));
  return out;
}

// Never answers a question, and remembers only that the stream has ended.
class listening_host final : public mcp::host {
 public:
  [[nodiscard]] std::string capabilities() const override { return R"({"roots":{}})"; }
  task<std::string> answer(std::string, std::string) override {
    co_await aio::wait_until(aio::deadline::max());
    co_return error(errc::stopped, "taken back");
  }
  void told_stream_ended() override { ended = true; }
  void told_lost(const error&) override { ended = true; }
  bool ended = false;
};

std::string packed(gzip_stream& to, const greedy_events& events) {
  const outside_turns own;
  std::string out;
  for (const auto& [text, times] : events.parts) {
    const auto mark = text.find('%');
    for (std::size_t i = 0; i < times; ++i) {
      std::string piece = text;
      if (mark != std::string::npos) piece.replace(mark, 1, digits(i));
      out += to.add(std::move(piece), false);
    }
  }
  return out + to.add("");
}

http_reply packed_stream(const std::string& begin, rest_ptr rest) {
  http_reply out(
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + begin);
  out.after = http_reply::then::hang;
  out.rest = std::move(rest);
  return out;
}

// HTTP+SSE: everything that the server says goes over one stream.
struct greedy_sse_server {
  explicit greedy_sse_server(greedy_events what) : events(std::move(what)) {}
  greedy_events events;
  gzip_stream zip;
  rest_ptr stream = std::make_shared<http_rest>();

  http_reply answer(const http_seen& request) {
    if (request.method == "GET") return packed_stream(zip.add("event: endpoint\ndata: /message\n\n"), stream);
    if (request.rpc_method == "tools/list") stream->add(packed(zip, events));
    const std::string usual = usual_reply(request).bytes;
    const std::string body = usual.substr(usual.find("\r\n\r\n") + 4);
    if (!body.empty()) stream->add(zip.add(message_event(body)));
    return text_reply(202, "text/plain", "Accepted");
  }
};

asio::awaitable<void> list_over_sse(greedy_events events) {
  const auto executor = co_await asio::this_coro::executor;
  greedy_sse_server script(std::move(events));
  scripted_server server(executor, [&script](const http_seen& request) { return script.answer(request); });
  mcp::http_target where;
  where.url = server.url();
  auto options = test_options();
  options.protocol = mcp::era_choice::sse;
  options.reopen = false;
  options.user = std::make_shared<listening_host>();
  const heap_peak heap;
  auto opened = co_await mcp::connect(executor, where, options);
  CO_ASSERT_OK(opened);
  auto listed = co_await (*opened)->list_tools();
  static_cast<void>(listed.has_value());  // it may be refused
  EXPECT_LE(heap.bytes(), heap_bound(script.events.message) + stream_server_bytes);
  co_await (*opened)->close();
  co_await server.close();
}

TEST(StreamMemory, OverHttpSseIsThreeTimesTheEventAtMost) {
  for (const greedy_events& each : all_greedy()) {
    SCOPED_TRACE(each.name);
    run_co_test([&](asio::io_context&) { return list_over_sse(each); }, 60s);
  }
}

// Streamable HTTP: what the server says without being asked, on the stream of a GET.
struct greedy_get_server {
  explicit greedy_get_server(greedy_events what) : events(std::move(what)) {}
  greedy_events events;
  gzip_stream zip;
  rest_ptr stream = std::make_shared<http_rest>();
  int streams = 0;

  http_reply answer(const http_seen& request) {
    if (request.method == "GET" && ++streams == 1) {
      stream->add(packed(zip, events));
      stream->end();
      return packed_stream(zip.add(": here\n\n"), stream);
    }
    if (request.rpc_method == "server/discover") return empty_reply(404);
    return usual_reply(request);
  }
};

asio::awaitable<void> follow_get(greedy_events events) {
  const auto executor = co_await asio::this_coro::executor;
  greedy_get_server script(std::move(events));
  scripted_server server(executor, [&script](const http_seen& request) { return script.answer(request); });
  mcp::http_target where;
  where.url = server.url();
  auto options = test_options();
  const auto user = std::make_shared<listening_host>();
  options.user = user;
  options.follow = true;
  const heap_peak heap;
  auto opened = co_await mcp::connect(executor, where, options);
  CO_ASSERT_OK(opened);
  const bool over = co_await eventually([&script, &user] { return user->ended || script.streams > 1; }, 30s);
  EXPECT_TRUE(over);
  auto listed = co_await (*opened)->list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_LE(heap.bytes(), heap_bound(script.events.message) + stream_server_bytes);
  co_await (*opened)->close();
  co_await server.close();
}

TEST(StreamMemory, OfAGetStreamIsThreeTimesTheEventAtMost) {
  for (const greedy_events& each : all_greedy()) {
    SCOPED_TRACE(each.name);
    run_co_test([&](asio::io_context&) { return follow_get(each); }, 60s);
  }
}

}  // namespace
}  // namespace mcpstate::test
