// SPDX-License-Identifier: MIT
// What a server can make a client hold, over each transport: three times the messages under way, and a megabyte.
#include <memory>
#include <string>
#include <string_view>

#include "component/mcp/http_plan.hh"
#include "support/compress.hh"
#include "support/heap_peak.hh"

namespace mcpstate::test {
namespace {

constexpr std::size_t message_bytes = 6'000'000;
// Of the server, which is in this process: what it sends is compressed, and copied on its way.
constexpr std::size_t server_bytes = 400'000;

std::string many(std::string_view part, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += part;
  return out;
}

// Never answers a question, and remembers nothing of what it is told.
class silent_host final : public mcp::host {
 public:
  [[nodiscard]] std::string capabilities() const override { return R"({"roots":{}})"; }
  task<std::string> answer(std::string, std::string) override {
    co_await aio::wait_until(aio::deadline::max());
    co_return error(errc::stopped, "taken back");
  }
};

// Over stdio.

asio::awaitable<void> list_once(marked_target server, std::size_t message) {
  auto options = test_options();
  options.user = std::make_shared<silent_host>();
  const heap_peak heap;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, options);
  CO_ASSERT_OK(opened);
  auto listed = co_await (*opened)->list_tools();
  static_cast<void>(listed.has_value());  // it may be refused
  EXPECT_LE(heap.bytes(), heap_bound(message));
  co_await (*opened)->close();
}

TEST(ClientMemory, OverStdioIsThreeTimesTheMessageAtMost) {
  for (const char* const mode : {"page", "names", "facts"}) {
    SCOPED_TRACE(mode);
    auto server = greedy_server(mode);
    run_co_test([&](asio::io_context&) { return list_once(server, message_bytes); }, std::chrono::seconds(60));
  }
}

TEST(ClientMemory, SmallMessagesOverStdioNeverPileUp) {
  for (const char* const mode : {"pings", "announcements", "questions", "answers", "errors"}) {
    SCOPED_TRACE(mode);
    auto server = greedy_server(mode);
    run_co_test([&](asio::io_context&) { return list_once(server, 0); }, std::chrono::seconds(60));
  }
}

// Over HTTP, compressed.

http_reply packed_reply(const std::string& type, const std::string& packed) {
  return http_reply("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: " + type +
                    "\r\nContent-Length: " + std::to_string(packed.size()) + "\r\n\r\n" + packed);
}

struct greedy_answer {
  std::string type, packed;
  std::size_t plain = 0;
};

// Not so dense that it would be refused.
std::string text_of_size(std::size_t bytes) {
  std::string out;
  for (int i = 0; out.size() < bytes; ++i) out += std::string(300, 'x') + std::to_string(i);
  return out;
}

asio::awaitable<void> list_over_http(greedy_answer how) {
  const auto executor = co_await asio::this_coro::executor;
  auto answer = [&how](const http_seen& request) {
    return request.rpc_method == "tools/list" ? packed_reply(how.type, how.packed) : usual_reply(request);
  };
  scripted_server server(executor, answer);
  mcp::http_target where;
  where.url = server.url();
  const heap_peak heap;
  auto opened = co_await mcp::connect(executor, where, test_options());
  CO_ASSERT_OK(opened);
  auto listed = co_await (*opened)->list_tools();
  static_cast<void>(listed.has_value());
  EXPECT_LE(heap.bytes(), heap_bound(how.plain) + server_bytes + 4 * how.packed.size());
  co_await (*opened)->close();
  co_await server.close();
}

void list_packed(const std::string& type, const std::string& text, std::size_t message) {
  SCOPED_TRACE(type + " " + text.substr(0, 80));
  greedy_answer how;
  how.type = type;
  how.packed = compress(text);
  how.plain = message;
  run_co_test([&](asio::io_context&) { return list_over_http(how); }, std::chrono::seconds(60));
}

// The third request has the id 3: after server/discover and initialize.
std::string page(const std::string& tools) { return R"({"jsonrpc":"2.0","id":3,"result":{"tools":[)" + tools + "]}}"; }

TEST(ClientMemory, OverHttpIsThreeTimesTheMessageAtMost) {
  for (const std::string& text :
       {page(R"({"name":"a","description":")" + text_of_size(message_bytes) + "\"}"),
        page(R"({"name":")" + text_of_size(message_bytes) + "\"}"),
        R"({"jsonrpc":"2.0","id":3,"error":{"code":1,"message":")" + text_of_size(message_bytes) + "\"}}",
        "[" + text_of_size(message_bytes)}) {
    list_packed("application/json", text, text.size());
    list_packed("text/event-stream", "data: " + text + "\n\n", text.size());
    list_packed("text/event-stream", "id: 1\nevent: message\ndata:" + text, text.size());
  }
}

TEST(ClientMemory, EventsOverHttpNeverPileUp) {
  const std::string id = "id: " + text_of_size(3'000'000) + "\n";
  list_packed("text/event-stream", id + many("data:x\n\n", 8000), 3'000'000);
  list_packed("text/event-stream", many("id: 1\ndata:\n\n", 1'000'000), 0);
  list_packed("text/event-stream", many(": nothing\n", 1'000'000), 0);
}

}  // namespace
}  // namespace mcpstate::test
