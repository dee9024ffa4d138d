// SPDX-License-Identifier: MIT
// How the client says what a server refuses, and what it refuses itself.
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/http_plan.hh"
#include "component/mcp/recording_host.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

struct expected_error {
  expected_error(errc code_, std::string detail_, std::string peer_text_)
      : code(code_), detail(std::move(detail_)), peer_text(std::move(peer_text_)) {}
  errc code;
  std::string detail, peer_text;
};

void expect_error(const error& got, const expected_error& expected) {
  EXPECT_EQ(name_of(got.code()), name_of(expected.code)) << got.full_text();
  EXPECT_NE(got.detail().find(expected.detail), std::string::npos) << got.detail();
  EXPECT_EQ(got.peer_text(), expected.peer_text);
}

asio::awaitable<void> call_fails(mcp::client& client, scripted_server& server, expected_error expected) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  EXPECT_FALSE(called.has_value());
  if (!called) expect_error(called.error(), expected);
  EXPECT_EQ(server.count("tools/call"), 1);
  auto pinged = co_await client.ping();  // the connection is fine
  CO_ASSERT_OK(pinged);
  EXPECT_EQ(server.count("initialize"), 1);
}

void refuse_calls(int status, int code, const std::string& data, const expected_error& expected) {
  with_client(
      [&](const http_seen& request) {
        return request.rpc_method == "tools/call" ? error_reply(request, status, code, "its words", data)
                                                  : usual_reply(request);
      },
      test_options(), [&](mcp::client& client, scripted_server& server) { return call_fails(client, server, expected); });
}

TEST(RefusedCall, ReportsTheReason) {
  for (const int status : {200, 400, 500}) {
    refuse_calls(status, -32602, "{}", expected_error(errc::bad_argument, "does not know the tool", "its words"));
    refuse_calls(status, -32603, "{}", expected_error(errc::rpc_error, "refused tools/call with error -32603", "its words"));
    refuse_calls(status, -1, "{}", expected_error(errc::rpc_error, "with error -1", "its words"));
  }
}

TEST(RefusedCall, ReportsTheUrlThatTheUserMustVisit) {
  const std::string data = R"({"elicitations":[{"mode":"url","url":"https://example.org/"}]})";
  refuse_calls(200, -32042, data, expected_error(errc::rpc_error, "visit a page", "its words " + data));
}

// An error of HTTP that only looks like one of JSON-RPC.
TEST(RefusedCall, ReportsAnHttpErrorThatOnlyLooksLikeJsonRpc) {
  const std::string body = R"({"error":{"code":-32602,"message":"m"}})";
  with_client(
      [&](const http_seen& request) {
        return request.rpc_method == "tools/call" ? json_reply(500, body) : usual_reply(request);
      },
      test_options(),
      [&](mcp::client& client, scripted_server& server) {
        return call_fails(client, server, expected_error(errc::http_status, "HTTP 500", body));
      });
}

asio::awaitable<void> wrong_arguments(mcp::client& client, scripted_server& server) {
  for (const char* const arguments : {"[]", "7", "{", "{} {}", "null"}) {
    auto called = co_await client.call_tool("plain", arguments, mcp::call_options());
    EXPECT_FALSE(called.has_value()) << arguments;
    if (!called) {
      EXPECT_EQ(name_of(called.error().code()), "bad_argument") << arguments;
    }
    auto asked = co_await client.request("odd/method", arguments, mcp::call_options());
    EXPECT_FALSE(asked.has_value()) << arguments;
    if (!asked) {
      EXPECT_EQ(name_of(asked.error().code()), "bad_argument") << arguments;
    }
  }
  EXPECT_EQ(server.count("tools/call"), 0);
  EXPECT_EQ(server.count("odd/method"), 0);
}

TEST(RefusedCall, RejectsArgumentsThatAreNoObject) { with_client(usual_reply, test_options(), wrong_arguments); }

asio::awaitable<void> failed_tool(mcp::client& client, scripted_server&) {
  auto called = co_await client.call_tool("plain", "", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_TRUE(called->is_error);
  EXPECT_EQ(called->body, R"({"content":[] , "isError":true})");
}

TEST(RefusedCall, TakesAFailedToolForAnAnswer) {
  with_client(
      [](const http_seen& request) {
        if (request.rpc_method != "tools/call") return usual_reply(request);
        EXPECT_NE(request.body.find(R"("arguments":{})"), std::string::npos) << request.body;
        return result_reply(request, R"({"content":[] , "isError":true})");
      },
      test_options(), failed_tool);
}

// Redirects that are not followed say where they lead.
void refuse_redirect(int status, const std::string& location, const expected_error& expected) {
  plan what;
  what.answer = [=](const http_seen&) { return empty_reply(status, "Location: " + location + "\r\n"); };
  what.on_connect = [&](const result<void>& connected) {
    ASSERT_FALSE(connected.has_value());
    expect_error(connected.error(), expected);
  };
  what.on_end = [](const scripted_server& server) {
    for (const http_seen& request : server.seen) EXPECT_EQ(request.target, "/mcp");
  };
  run(what);
}

TEST(RefusedRedirect, NamesItsTarget) {
  for (const int status : {301, 302, 303}) {
    refuse_redirect(
        status, "https://example.org/mcp?key=s3cret",
        expected_error(errc::http_status, "redirects (HTTP " + std::to_string(status) + ")", "https://example.org/mcp"));
  }
  for (const int status : {307, 308}) {
    refuse_redirect(status, "https://example.org/mcp?key=s3cret",
                    expected_error(errc::forbidden_target, "another origin", "https://example.org/mcp"));
    refuse_redirect(status, "http://[", expected_error(errc::protocol, "URL that is none", ""));
  }
}

TEST(RefusedRedirect, ReportsAMissingTarget) {
  plan what;
  what.answer = [](const http_seen&) { return empty_reply(307); };
  what.on_connect = fails(errc::http_status, "redirects (HTTP 307)");
  run(what);
}

TEST(RefusedRedirect, IsReportedAfterThreeHops) {
  plan what;
  what.answer = [](const http_seen& request) {
    return empty_reply(307, std::string("Location: ") + (request.target == "/mcp" ? "/b" : "/mcp") + "\r\n");
  };
  what.on_connect = fails(errc::http_status, "redirects more than 3 times");
  what.on_end = [](const scripted_server& server) { EXPECT_EQ(server.seen.size(), 4U); };
  run(what);
}

// A host that declares something and does not answer it.
class silent_host final : public mcp::host {
 public:
  silent_host() = default;
  [[nodiscard]] std::string capabilities() const override { return R"({"roots":{}})"; }
};

struct asker {
  asker() {}
  std::shared_ptr<http_rest> rest = std::make_shared<http_rest>();
  http_seen call;
  std::string answer;

  http_reply reply(const http_seen& request) {
    if (request.method == "GET") return empty_reply(405);
    if (request.rpc_method == "tools/call") {
      call = request;
      return open_stream_reply(event(R"({"jsonrpc":"2.0","id":1,"method":"roots/list"})"), rest);
    }
    if (request.method == "POST" && request.rpc_method.empty()) {
      answer = request.body;
      rest->add(event_of(call, R"({"content":[]})"));
    }
    return usual_reply(request);
  }
};

asio::awaitable<void> calls(mcp::client& client) {
  auto called = co_await client.call_tool("plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
}

TEST(RefusedQuestion, NamesTheHostThatDoesNotAnswer) {
  asker script;
  auto options = test_options();
  options.user = std::make_shared<silent_host>();
  with_client([&](const http_seen& request) { return script.reply(request); }, options,
              [](mcp::client& client, scripted_server&) { return calls(client); });
  EXPECT_EQ(script.answer, R"({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"nobody here answers roots/list"}})");
}

}  // namespace
}  // namespace mcpstate::test
