// SPDX-License-Identifier: MIT
// Servers that ask too much, and bugs that they bring to light: what ends is the session, and nothing else.
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"
#include "support/compress.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using rest_ptr = std::shared_ptr<http_rest>;

std::string question(const std::string& id) {
  return event(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"roots/list","params":{}})");
}

// Asks these questions on the stream of tools/call, and takes the answers.
struct asking_server {
  std::vector<std::string> ids;
  std::vector<std::string> answers;
  rest_ptr rest = std::make_shared<http_rest>();

  http_reply answer(const http_seen& request) {
    if (request.method == "GET") return empty_reply(405);
    if (request.method == "POST" && request.rpc_method.empty()) answers.push_back(request.body);
    if (request.rpc_method != "tools/call") return usual_reply(request);
    std::string events;
    for (const std::string& id : ids) events += question(id);
    return open_stream_reply(events, rest);
  }
  [[nodiscard]] long count(const std::string& part) const {
    return std::count_if(answers.begin(), answers.end(),
                         [&part](const std::string& each) { return each.find(part) != std::string::npos; });
  }
};

asio::awaitable<void> call(mcp::client& client, std::optional<error>& failure) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  if (!called) failure = called.error();
}

asio::awaitable<void> asks_and_closes(mcp::client& client, asking_server& server, std::size_t refused) {
  std::optional<error> failure;
  aio::task_group group(co_await asio::this_coro::executor, aio::end_process);
  group.spawn("call", call(client, failure));
  const bool there = co_await eventually([&] { return server.answers.size() >= refused + 1; });
  EXPECT_TRUE(there);
  co_await client.close();
  co_await group.join();
}

void ask(asking_server& server, const std::shared_ptr<recording_host>& user, std::size_t refused) {
  auto options = test_options();
  options.user = user;
  user->thinks = true;
  with_client([&server](const http_seen& request) { return server.answer(request); }, options,
              [&](mcp::client& client, scripted_server&) { return asks_and_closes(client, server, refused); });
}

TEST(HostileQuestions, IdThatIsStillOpenIsNeverAskedTwice) {
  for (const char* const id : {"1", "\"a\"", "-5"}) {
    asking_server server;
    server.ids = {id, id, id};
    const auto user = std::make_shared<recording_host>(R"({"roots":{}})");
    ask(server, user, 1);
    EXPECT_EQ(user->asked.size(), 1U) << id;
    EXPECT_EQ(user->taken_back, 1);
    EXPECT_EQ(server.count("-32600"), 2);
  }
}

TEST(HostileQuestions, MoreThanSixteenAreNeverOpen) {
  for (const int asked : {17, 40, 300}) {
    asking_server server;
    for (int i = 0; i < asked; ++i) server.ids.push_back(std::to_string(i));
    const auto user = std::make_shared<recording_host>(R"({"roots":{}})");
    ask(server, user, static_cast<std::size_t>(asked - 16) - 1);
    EXPECT_EQ(user->asked.size(), 16U);
    EXPECT_EQ(server.count("too many questions"), asked - 16);
  }
}

// A host with a bug.
class throwing_host final : public mcp::host {
 public:
  explicit throwing_host(int how) : how_(how) {}
  [[nodiscard]] std::string capabilities() const override { return R"({"roots":{}})"; }
  task<std::string> answer(std::string, std::string) override {
    co_await aio::wait_until(aio::after(1ms));
    if (how_ == 0) throw std::runtime_error("a bug");
    if (how_ == 1) throw std::bad_alloc();
    throw std::out_of_range("at");
  }
  void told_lost(const error& why) override { lost.push_back(why); }
  std::vector<error> lost;

 private:
  int how_;
};

asio::awaitable<void> fails_and_goes_on(mcp::client& client) {
  std::optional<error> failure;
  co_await call(client, failure);
  CO_ASSERT_TRUE(failure.has_value());
  EXPECT_NE(failure->code(), errc::deadline) << failure->detail();
  auto listed = co_await client.list_tools();  // in a new session
  CO_ASSERT_OK(listed);
}

TEST(Bugs, OfTheHostEndTheSessionAndNothingElse) {
  for (const int how : {0, 1, 2}) {
    asking_server server;
    server.ids = {"1"};
    const auto user = std::make_shared<throwing_host>(how);
    auto options = test_options();
    options.user = user;
    with_client([&server](const http_seen& request) { return server.answer(request); }, options,
                [](mcp::client& client, scripted_server&) { return fails_and_goes_on(client); });
    ASSERT_EQ(user->lost.size(), 1U);
    EXPECT_EQ(user->lost[0].code(), errc::bug);
  }
}

// A bug in what reads the answer to a request: told at once, as what it is.
class bad_listener final : public mcp::host {
 public:
  void told(const std::string&, const std::string&) override { throw std::runtime_error("a bug"); }
};

asio::awaitable<void> lists_and_lists_again(mcp::client& client) {
  auto listed = co_await client.list_tools();
  CO_ASSERT_FAILS(listed, errc::bug);
  auto again = co_await client.list_tools();
  CO_ASSERT_OK(again);
}

TEST(Bugs, OfAReaderAreNeverTakenForSilence) {
  auto options = test_options();
  options.user = std::make_shared<bad_listener>();
  bool told = false;
  auto answer = [&told](const http_seen& request) {
    if (request.rpc_method != "tools/list" || std::exchange(told, true)) return usual_reply(request);
    return stream_reply(event(R"({"jsonrpc":"2.0","method":"notifications/message","params":{}})"));
  };
  const auto begun = std::chrono::steady_clock::now();
  with_client(answer, options, [](mcp::client& client, scripted_server&) { return lists_and_lists_again(client); });
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
}

TEST(HostileAnswers, DenseOnesAreRefused) {
  for (const char fill : {' ', '\n', '\t'}) {
    const std::string packed = compress("{" + std::string(30'000'000, fill));
    plan what;
    what.answer = on_tools([packed](const http_seen&) {
      return http_reply("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: " +
                        std::to_string(packed.size()) + "\r\n\r\n" + packed);
    });
    what.on_list =
        list_fails(errc::too_large, "the server's answer is more than 200 times as large as what was sent for it");
    run(what);
  }
}

}  // namespace
}  // namespace mcpstate::test
