// SPDX-License-Identifier: MIT
// The client against HTTP servers that answer what they should not.
#include <algorithm>
#include <string>

#include "component/mcp/http_plan.hh"

namespace mcpstate::test {
namespace {

TEST(HttpClient, SendsWhatTheProtocolRequires) {
  plan what;
  what.headers.emplace_back("Authorization", "Bearer abc");
  what.answer = [](const http_seen& request) {
    http_reply reply = usual_reply(request);
    if (request.rpc_method == "initialize") reply.bytes.insert(reply.bytes.find("\r\n") + 2, "Mcp-Session-Id: s3cret\r\n");
    return reply;
  };
  what.on_end = [](const scripted_server& server) {
    ASSERT_EQ(server.seen.size(), 5U);
    EXPECT_EQ(server.connections, 1);
    for (std::size_t i = 0; i < server.seen.size(); ++i) {
      const http_seen& request = server.seen[i];
      EXPECT_EQ(request.target, "/mcp");
      EXPECT_EQ(request.headers.at("host"), "127.0.0.1:" + std::to_string(server.port()));
      EXPECT_EQ(request.headers.at("accept"), "application/json, text/event-stream");
      EXPECT_EQ(request.headers.at("authorization"), "Bearer abc");
      EXPECT_EQ(request.headers.at("user-agent").rfind("mcpstate/", 0), 0U);
      EXPECT_EQ(request.headers.count("mcp-session-id"), i < 2 ? 0U : 1U);
      EXPECT_EQ(request.headers.count("mcp-protocol-version"), i == 1 ? 0U : 1U);
      EXPECT_EQ(request.method, i == 4 ? "DELETE" : "POST");
      EXPECT_EQ(request.headers.count("content-type"), i < 4 ? 1U : 0U);
    }
    EXPECT_EQ(server.seen[0].rpc_method, "server/discover");
    EXPECT_EQ(server.seen[0].headers.at("mcp-protocol-version"), "2026-07-28");
    EXPECT_EQ(server.seen[0].headers.at("mcp-method"), "server/discover");
    EXPECT_EQ(server.seen[1].rpc_method, "initialize");
    EXPECT_EQ(server.seen[2].rpc_method, "notifications/initialized");
    EXPECT_EQ(server.seen[3].headers.at("mcp-session-id"), "s3cret");
    EXPECT_EQ(server.seen[3].headers.at("mcp-protocol-version"), "2025-11-25");
  };
  run(what);
}

TEST(HttpClient, RecognisesAWebPage) {
  plan what;
  what.answer = [](const http_seen&) { return text_reply(200, "text/html; charset=utf-8", "<html>hello</html>"); };
  what.on_connect = fails(errc::protocol, "web page");
  run(what);
}

TEST(HttpClient, ReportsNotFound) {
  plan what;
  what.answer = [](const http_seen&) { return text_reply(404, "text/plain", "nothing\r\nhere"); };
  what.on_connect = fails(errc::http_status, "HTTP 404", "nothing here");
  run(what);
}

TEST(HttpClient, ReportsAServerError) {
  plan what;
  what.answer = [](const http_seen&) { return text_reply(500, "text/html", "<h1>oops</h1>"); };
  what.on_connect = fails(errc::http_status, "HTTP 500");
  run(what);
}

TEST(HttpClient, ReportsMissingCredentials) {
  plan what;
  what.answer = [](const http_seen&) { return json_reply(401, R"({"error":"invalid_token"})"); };
  what.on_connect = fails(errc::auth_failed, "HTTP 401", R"({"error":"invalid_token"})");
  run(what);
}

TEST(HttpClient, ReportsForbiddenAccess) {
  plan what;
  what.answer = [](const http_seen&) { return text_reply(403, "text/plain", "Invalid Host"); };
  what.on_connect = fails(errc::auth_failed, "HTTP 403", "Invalid Host");
  run(what);
}

TEST(HttpClient, DoesNotFollowARedirectToAnotherOrigin) {
  plan what;
  what.answer = [](const http_seen&) {
    return http_reply("HTTP/1.1 307 Moved\r\nLocation: http://example.org/mcp/?key=s3cret\r\nContent-Length: 0\r\n\r\n");
  };
  what.on_connect = fails(errc::forbidden_target, "another origin", "http://example.org/mcp/");
  run(what);
}

TEST(HttpClient, ReadsARpcErrorFromABadRequest) {
  plan what;
  what.answer = [](const http_seen&) {
    return json_reply(400, R"({"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: no session"},"id":null})");
  };
  what.on_connect = fails(errc::rpc_error, "refused initialize with error -32000", "Bad Request: no session");
  run(what);
}

TEST(HttpClient, AcceptsARpcErrorWithoutId) {
  plan what;
  what.answer = [](const http_seen&) {
    return json_reply(200, R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}})");
  };
  what.on_connect = fails(errc::rpc_error, "-32700", "what?");
  run(what);
}

TEST(HttpClient, ReportsAnAcceptedRequestWithoutAnswer) {
  plan what;
  what.answer = [](const http_seen&) { return http_reply("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"); };
  what.on_connect = fails(errc::protocol, "sent no answer");
  run(what);
}

TEST(HttpClient, RefusesAnEmptyAnswer) {
  plan what;
  what.answer = [](const http_seen&) { return json_reply(200, ""); };
  what.on_connect = fails(errc::protocol, "answer to the request is empty");
  run(what);
}

TEST(HttpClient, RefusesBrokenJson) {
  plan what;
  what.answer = [](const http_seen&) { return json_reply(200, R"({"jsonrpc":"2.0","id":1,"result":{)"); };
  what.on_connect = fails(errc::protocol, "not a JSON-RPC message");
  run(what);
}

TEST(HttpClient, RefusesAServerWithoutHttp) {
  plan what;
  what.answer = [](const http_seen&) {
    http_reply reply("-ERR unknown command 'POST'\r\n");
    reply.after = http_reply::then::close;
    return reply;
  };
  what.on_connect = fails(errc::protocol, "does not speak HTTP: bad version");
  run(what);
}

TEST(HttpClient, RefusesAnAnswerWithTheWrongId) {
  plan what;
  what.answer =
      on_tools([](const http_seen&) { return json_reply(200, R"({"jsonrpc":"2.0","id":99,"result":{"tools":[]}})"); });
  what.on_list = list_fails(errc::protocol, "does not belong to the request");
  run(what);
}

TEST(HttpClient, RefusesAnIdSentAsText) {
  plan what;
  what.answer = on_tools([](const http_seen& request) {
    return json_reply(200, R"({"jsonrpc":"2.0","id":")" + request.rpc_id + R"(","result":{"tools":[)" + plain_tool + "]}}");
  });
  what.on_list = list_fails(errc::protocol, "does not belong to the request");
  run(what);
}

TEST(HttpClient, SkipsOtherEventsOfAStream) {
  plan what;
  what.answer = on_tools([](const http_seen& request) {
    return stream_reply(
        "\xEF\xBB\xBF: hello\r\nid: 1\r\nretry: 10\r\ndata:\r\n\r\nevent: other\r\ndata: ignored\r\n\r\n"
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\r\n\r\n" +
        event_of(request, R"({"tools":[)" + plain_tool + "]}"));
  });
  run(what);
}

TEST(HttpClient, ReadsAStreamByteByByte) {
  plan what;
  what.answer = [](const http_seen& request) {
    http_reply reply = usual_reply(request);
    if (request.rpc_method == "tools/list") reply = stream_reply(event_of(request, R"({"tools":[)" + plain_tool + "]}"));
    reply.byte_by_byte = true;
    return reply;
  };
  run(what);
}

TEST(HttpClient, LeavesAStreamThatStaysOpen) {
  plan what;
  what.answer = on_tools([](const http_seen& request) {
    http_reply reply = stream_reply(event_of(request, R"({"tools":[)" + plain_tool + "]}"));
    reply.after = http_reply::then::hang;
    return reply;
  });
  what.lists = 2;
  run(what);
}

TEST(HttpClient, AcceptsAStreamWithoutALastBlankLine) {
  plan what;
  what.answer = on_tools([](const http_seen& request) {
    std::string event = event_of(request, R"({"tools":[)" + plain_tool + "]}");
    event.resize(event.size() - 4);
    return stream_reply(event);
  });
  run(what);
}

TEST(HttpClient, ReportsAStreamWithoutAnswer) {
  plan what;
  what.answer = on_tools([](const http_seen&) { return stream_reply("id: 7\ndata: \n\n"); });
  what.on_list = list_fails(errc::connection_lost, "ended its stream without an answer");
  run(what);
}

TEST(HttpClient, AnswersQuestionsWhileAStreamIsOpen) {
  plan what;
  what.answer = on_tools([](const http_seen& request) {
    return stream_reply("data: {\"jsonrpc\":\"2.0\",\"id\":\"r1\",\"method\":\"roots/list\"}\n\n" +
                        event_of(request, R"({"tools":[)" + plain_tool + "]}"));
  });
  what.lists = 3;
  what.on_end = [](const scripted_server& server) {
    const auto answered = std::count_if(server.seen.begin(), server.seen.end(), [](const http_seen& request) {
      return request.body == R"({"jsonrpc":"2.0","id":"r1","error":{"code":-32601,"message":"Method not found"}})";
    });
    EXPECT_GE(answered, 2);  // the last one may be under way when the session ends
  };
  run(what);
}

}  // namespace
}  // namespace mcpstate::test
