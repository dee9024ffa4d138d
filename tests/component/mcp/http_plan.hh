// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "component/mcp/http_fixture.hh"
#include "component/mcp/mcp_support.hh"

// Tests of one client against one scripted server: what the server answers, and what must come of it.
namespace mcpstate::test {

struct plan {
  plan() {}
  scripted_server::handler answer = usual_reply;
  mcp::client_options options = test_options();
  std::vector<std::pair<std::string, std::string>> headers;
  int refuse = 0;
  std::function<void(const result<void>& connected)> on_connect = [](const result<void>& connected) {
    EXPECT_TRUE(connected.has_value()) << connected.error().full_text();
  };
  std::function<void(const result<mcp::tool_listing>& listed)> on_list = [](const result<mcp::tool_listing>& listed) {
    EXPECT_TRUE(listed.has_value()) << listed.error().full_text();
    if (listed) {
      EXPECT_EQ(listed->tools.bytes(), "[" + plain_tool + "]");
    }
  };
  std::function<void(const scripted_server&)> on_end = [](const scripted_server&) {};
  int lists = 1;
};

// Connects, lists the tools, closes, and checks each step.
void run(plan what);

// Connects with a client that must succeed, plays the body, and closes client and server.
using play_body = std::function<asio::awaitable<void>(mcp::client& client, scripted_server& server)>;
void with_client(scripted_server::handler answer, const mcp::client_options& options, play_body body);

std::function<void(const result<void>&)> fails(errc code, std::string detail, std::string peer_text = "");
std::function<void(const result<mcp::tool_listing>&)> list_fails(errc code, std::string detail);
// Everything as usual, but this for tools/list.
scripted_server::handler on_tools(scripted_server::handler answer);
// An event that carries the answer to a request, on several lines.
std::string event_of(const http_seen& request, const std::string& result);
// An event that carries a message.
std::string event(const std::string& message);
// The answer to initialize, with capabilities and, if not empty, a session id.
http_reply welcome_reply(const http_seen& request, const std::string& capabilities, const std::string& session = "");
// A JSON-RPC error.
http_reply error_reply(const http_seen& request, int status, int code, const std::string& words = "no",
                       const std::string& data = "{}");

}  // namespace mcpstate::test
