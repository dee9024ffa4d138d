// SPDX-License-Identifier: MIT
// Announcements in 2026-07-28: subscriptions/listen over HTTP.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using user_ptr = std::shared_ptr<recording_host>;
using rest_ptr = std::shared_ptr<http_rest>;

std::string meta_of(const http_seen& listen) {
  return R"("_meta":{"io.modelcontextprotocol/subscriptionId":)" + listen.rpc_id + "}";
}

std::string acknowledged(const http_seen& listen) {
  return event(R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":)"
               R"({"toolsListChanged":true},)" +
               meta_of(listen) + "}}");
}

std::string changed(const http_seen& listen) {
  return event(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{)" + meta_of(listen) + "}}");
}

// A modern server that answers subscriptions/listen as it is told.
struct listening_server {
  listening_server() {}
  std::function<http_reply(const http_seen&)> on_listen;
  std::vector<http_seen> listens;
  std::vector<rest_ptr> rests;
  std::vector<mcp::connect_step> steps;
  user_ptr user = std::make_shared<recording_host>();

  http_reply acknowledge(const http_seen& request) {
    rests.push_back(std::make_shared<http_rest>());
    return open_stream_reply(acknowledged(request), rests.back());
  }
  http_reply answer(const http_seen& request) {
    if (request.rpc_method == "server/discover") {
      return result_reply(request, R"({"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}}})");
    }
    if (request.rpc_method != "subscriptions/listen") return usual_reply(request);
    listens.push_back(request);
    return on_listen ? on_listen(request) : acknowledge(request);
  }
  void play(const play_body& body) {
    auto options = test_options();
    options.follow = true;
    options.user = user;
    options.on_step = [this](const mcp::connect_step& step) { steps.push_back(step); };
    with_client([this](const http_seen& request) { return answer(request); }, options, body);
  }
};

asio::awaitable<void> hears(mcp::client& client, listening_server& server) {
  CO_ASSERT_EQ(server.listens.size(), 1U);  // connect() waits for it
  EXPECT_TRUE(server.steps.back().ok);
  EXPECT_EQ(server.steps.back().name, "subscriptions/listen");
  EXPECT_EQ(server.listens[0].headers["mcp-method"], "subscriptions/listen");
  EXPECT_NE(server.listens[0].body.find(R"("notifications":{"toolsListChanged":true})"), std::string::npos);
  EXPECT_TRUE(server.user->changed.empty());
  server.rests[0]->add(changed(server.listens[0]) + ": keepalive\n\n" + changed(server.listens[0]));
  const bool told = co_await eventually([&server] { return server.user->changes_of("tools") == 2; });
  EXPECT_TRUE(told);
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  co_await client.close();
  const bool gone = co_await eventually([&server] { return server.rests[0]->gone; });
  EXPECT_TRUE(gone);
  EXPECT_EQ(server.user->lost.size(), 0U);
}

TEST(Subscription, ReachesTheHost) {
  listening_server server;
  server.play([&](mcp::client& client, scripted_server&) { return hears(client, server); });
}

asio::awaitable<void> listens_again(mcp::client& client, listening_server& server, std::string last_words) {
  CO_ASSERT_EQ(server.rests.size(), 1U);
  server.rests[0]->add(last_words);
  server.rests[0]->end();
  const bool again = co_await eventually([&server] { return server.rests.size() == 2; });
  CO_ASSERT_TRUE(again);
  EXPECT_NE(server.listens[0].rpc_id, server.listens[1].rpc_id);
  const bool told = co_await eventually([&server] { return server.user->changes_of("tools") == 1; });
  EXPECT_TRUE(told);  // changes may have been missed
  server.rests[1]->add(changed(server.listens[1]));
  const bool more = co_await eventually([&server] { return server.user->changes_of("tools") == 2; });
  EXPECT_TRUE(more);
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(server.listens.size(), 2U);
}

TEST(Subscription, IsRenewedAfterAnAbruptEnd) {
  listening_server server;
  server.play([&](mcp::client& client, scripted_server&) { return listens_again(client, server, ""); });
}

TEST(Subscription, IsRenewedAfterAnEndInsideAnEvent) {
  listening_server server;
  server.play([&](mcp::client& client, scripted_server&) { return listens_again(client, server, "data: {\"jso"); });
}

asio::awaitable<void> ends_gracefully(mcp::client& client, listening_server& server) {
  CO_ASSERT_EQ(server.listens.size(), 1U);
  const std::string bye = event_of(server.listens[0], R"({"resultType":"complete",)" + meta_of(server.listens[0]) + "}");
  auto playing = listens_again(client, server, bye);
  co_await std::move(playing);
}

TEST(Subscription, IsRenewedAfterAGracefulEnd) {
  listening_server server;
  server.play([&](mcp::client& client, scripted_server&) { return ends_gracefully(client, server); });
}

asio::awaitable<void> does_without(mcp::client& client, listening_server& server, std::string outcome) {
  CO_ASSERT_EQ(server.listens.size(), 1U);
  EXPECT_FALSE(server.steps.back().ok);
  EXPECT_EQ(server.steps.back().name, "subscriptions/listen");
  EXPECT_NE(server.steps.back().outcome.find(outcome), std::string::npos) << server.steps.back().outcome;
  // A second try would come after a second and a half at most.
  const bool again = co_await eventually([&server] { return server.listens.size() > 1; }, 1600ms);
  EXPECT_FALSE(again);
  auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_TRUE(server.user->changed.empty());
}

TEST(Subscription, IsOptionalForTheServer) {
  listening_server server;
  server.on_listen = [](const http_seen& request) { return error_reply(request, 404, -32601, "Method not found"); };
  server.play([&](mcp::client& client, scripted_server&) { return does_without(client, server, "-32601"); });
}

TEST(Subscription, IsOptionalForAServerThatRefusesWithoutJsonRpc) {
  listening_server server;
  server.on_listen = [](const http_seen&) { return text_reply(404, "text/plain", "what?"); };
  const auto begun = std::chrono::steady_clock::now();
  server.play([&](mcp::client& client, scripted_server&) { return does_without(client, server, "404"); });
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3500ms);  // connect() does not wait for what cannot come
}

asio::awaitable<void> tries_again(listening_server& server) {
  const bool again = co_await eventually([&server] { return server.listens.size() == 2; });
  EXPECT_TRUE(again);
  const bool told = co_await eventually([&server] { return server.user->changes_of("tools") == 1; });
  EXPECT_TRUE(told);
}

TEST(Subscription, IsRetriedForAServerInTrouble) {
  listening_server server;
  server.on_listen = [&server](const http_seen& request) {
    return server.listens.size() == 1 ? text_reply(503, "text/plain", "busy") : server.acknowledge(request);
  };
  server.play([&](mcp::client&, scripted_server&) { return tries_again(server); });
}

asio::awaitable<void> never_asked(listening_server& server) {
  EXPECT_TRUE(server.listens.empty());
  co_return;
}

TEST(Subscription, IsOmittedWhenUnwanted) {
  listening_server server;
  with_client([&](const http_seen& request) { return server.answer(request); }, test_options(),
              [&](mcp::client&, scripted_server&) { return never_asked(server); });
}

}  // namespace
}  // namespace mcpstate::test
