// SPDX-License-Identifier: MIT
#include "component/mcp/http_plan.hh"

namespace mcpstate::test {
namespace {

asio::awaitable<void> play(plan what) {
  const auto executor = co_await asio::this_coro::executor;
  scripted_server server(executor, what.answer);
  server.refuse_next(what.refuse);
  mcp::http_target where;
  where.url = server.url();
  where.headers = what.headers;
  auto opened = co_await mcp::connect(executor, where, what.options);
  what.on_connect(opened ? result<void>() : result<void>(opened.error()));
  for (int round = 0; opened && round < what.lists; ++round) {
    const auto listed = co_await (*opened)->list_tools();
    what.on_list(listed);
  }
  if (opened) co_await (*opened)->close();
  what.on_end(server);
  co_await server.close();
}

}  // namespace

void run(plan what) {
  run_co_test([&](asio::io_context&) { return play(what); }, std::chrono::seconds(60));
}

namespace {

asio::awaitable<void> play_with(scripted_server::handler answer, mcp::client_options options, play_body body) {
  const auto executor = co_await asio::this_coro::executor;
  scripted_server server(executor, std::move(answer));
  mcp::http_target where;
  where.url = server.url();
  auto opened = co_await mcp::connect(executor, std::move(where), std::move(options));
  EXPECT_TRUE(opened.has_value()) << opened.error().full_text();
  if (opened) {
    auto playing = body(**opened, server);
    co_await std::move(playing);
    co_await (*opened)->close();
  }
  co_await server.close();
}

}  // namespace

void with_client(scripted_server::handler answer, const mcp::client_options& options, play_body body) {
  run_co_test([&](asio::io_context&) { return play_with(answer, options, body); }, std::chrono::seconds(60));
}

std::function<void(const result<void>&)> fails(errc code, std::string detail, std::string peer_text) {
  return [=](const result<void>& connected) {
    ASSERT_FALSE(connected.has_value());
    EXPECT_EQ(name_of(connected.error().code()), name_of(code)) << connected.error().full_text();
    EXPECT_NE(connected.error().detail().find(detail), std::string::npos) << connected.error().detail();
    EXPECT_EQ(connected.error().peer_text(), peer_text);
  };
}

std::function<void(const result<mcp::tool_listing>&)> list_fails(errc code, std::string detail) {
  return [=](const result<mcp::tool_listing>& listed) {
    ASSERT_FALSE(listed.has_value());
    EXPECT_EQ(name_of(listed.error().code()), name_of(code)) << listed.error().full_text();
    EXPECT_NE(listed.error().detail().find(detail), std::string::npos) << listed.error().detail();
  };
}

scripted_server::handler on_tools(scripted_server::handler answer) {
  return [answer = std::move(answer)](const http_seen& request) {
    return request.rpc_method == "tools/list" ? answer(request) : usual_reply(request);
  };
}

std::string event_of(const http_seen& request, const std::string& result) {
  return "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"id\":" + request.rpc_id + ",\"result\":" + result +
         "}\r\n\r\n";
}

std::string event(const std::string& message) { return "data: " + message + "\n\n"; }

http_reply welcome_reply(const http_seen& request, const std::string& capabilities, const std::string& session) {
  http_reply out = result_reply(request, R"({"protocolVersion":"2025-11-25","capabilities":)" + capabilities +
                                             R"(,"serverInfo":{"name":"scripted","version":"1"}})");
  if (!session.empty()) out.bytes.insert(out.bytes.find("\r\n") + 2, "Mcp-Session-Id: " + session + "\r\n");
  return out;
}

http_reply error_reply(const http_seen& request, int status, int code, const std::string& words, const std::string& data) {
  return json_reply(status, R"({"jsonrpc":"2.0","id":)" + request.rpc_id + R"(,"error":{"code":)" + std::to_string(code) +
                                R"(,"message":")" + words + R"(","data":)" + data + "}}");
}

}  // namespace mcpstate::test
