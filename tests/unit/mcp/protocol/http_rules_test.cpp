// SPDX-License-Identifier: MIT
#include "mcp/protocol/http_rules.hh"

#include <gtest/gtest.h>

namespace mcpstate::mcp {
namespace {

TEST(HttpHeaders, RefusesHeadersOfTheProtocol) {
  for (const char* const own : {"Mcp-Session-Id", "mcp-protocol-version", "MCP-Method", "mcp-name"}) {
    http::header_list headers;
    headers.emplace_back(own, "v");
    const auto checked = check_protocol_headers(headers);
    ASSERT_FALSE(checked.has_value()) << own;
    EXPECT_EQ(checked.error().code(), errc::bad_argument) << own;
  }
  http::header_list headers;
  headers.emplace_back("Authorization", "v");
  EXPECT_TRUE(check_protocol_headers(headers).has_value());
}

TEST(HttpAnswer, ValidatesSessionIds) {
  EXPECT_TRUE(is_session_id("!a~0-9"));
  for (const char* const bad : {"", "a b", "a\tb", "caf\xC3\xA9", "a\x7F"}) EXPECT_FALSE(is_session_id(bad)) << bad;
  EXPECT_FALSE(is_session_id(std::string(5000, 'x')));
}

http::answer answer(unsigned status, std::string type, std::string body) {
  http::answer out;
  out.status = status;
  out.content_type = std::move(type);
  out.body = std::move(body);
  return out;
}

TEST(HttpAnswer, ExplainsAnswersThatAreNoMcp) {
  const struct {
    unsigned status;
    const char* type;
    const char* body;
    errc code;
    const char* peer_text;
  } table[] = {
      {200, "text/html", "<html>", errc::protocol, ""},
      {200, "text/plain", " hello\n\tworld ", errc::protocol, "hello world "},
      {200, "", "", errc::protocol, ""},
      {202, "", "", errc::protocol, ""},
      {401, "application/json", R"({"a":1})", errc::auth_failed, R"({"a":1})"},
      {403, "text/html", "<b>no</b>", errc::auth_failed, ""},
      {404, "application/json", R"({"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}})",
       errc::http_status, "Session not found"},
      {405, "", "", errc::http_status, ""},
      {429, "text/plain", "slow down", errc::http_status, "slow down"},
      {503, "", "", errc::http_status, ""},
  };
  for (const auto& row : table) {
    const error e = explain_answer(answer(row.status, row.type, row.body));
    EXPECT_EQ(name_of(e.code()), name_of(row.code)) << row.status;
    EXPECT_EQ(e.peer_text(), row.peer_text) << row.status;
    EXPECT_EQ(e.detail().find('<'), std::string::npos);
  }
}

TEST(HttpAnswer, ShowsTheTargetOfARedirectWithoutSecrets) {
  http::answer moved = answer(308, "", "");
  moved.location = "https://h/mcp/?token=s3cret";
  EXPECT_EQ(explain_answer(moved).code(), errc::http_status);
  EXPECT_EQ(explain_answer(moved).peer_text(), "https://h/mcp/");
  moved.location = "https://me:s3cret@h/";
  EXPECT_EQ(explain_answer(moved).peer_text(), "");
}

TEST(HttpAnswer, TakesJsonRpcErrorsAsAnswersWhateverTheStatus) {
  const std::string unknown = R"({"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"Method not found"}})";
  const std::string fine = R"({"jsonrpc":"2.0","id":2,"result":{}})";
  EXPECT_TRUE(has_rpc_error(answer(404, "application/json; charset=utf-8", unknown)));
  EXPECT_TRUE(has_rpc_error(answer(400, "application/json", unknown)));
  EXPECT_TRUE(has_rpc_error(answer(500, "application/json", unknown)));
  EXPECT_FALSE(has_rpc_error(answer(404, "text/plain", unknown)));
  EXPECT_FALSE(has_rpc_error(answer(404, "application/json", fine)));
  EXPECT_FALSE(has_rpc_error(answer(404, "application/json", "{")));
  EXPECT_FALSE(has_rpc_error(answer(200, "application/json", unknown)));
}

TEST(HttpAnswer, RecognisesALostSession) {
  const auto failure = [](const std::string& code, const std::string& words) {
    return R"({"jsonrpc":"2.0","id":null,"error":{"code":)" + code + R"(,"message":")" + words + "\"}}";
  };
  const std::string json = "application/json";
  EXPECT_TRUE(is_session_over(answer(404, "text/html", "<p>"), false));
  EXPECT_TRUE(is_session_over(answer(404, json, failure("-32001", "Session not found")), false));
  // The reference server.
  EXPECT_TRUE(is_session_over(answer(400, json, failure("-32000", "Bad Request: No valid session ID provided")), true));
  EXPECT_TRUE(is_session_over(answer(400, json, failure("-32000", "Bad Request: Server not initialized")), true));
  EXPECT_TRUE(is_session_over(answer(400, "text/plain", "Invalid SESSION"), true));
  // One that never worked was not lost.
  EXPECT_FALSE(is_session_over(answer(400, json, failure("-32000", "No valid session ID provided")), false));
  // About the request itself.
  EXPECT_FALSE(is_session_over(answer(404, json, failure("-32601", "Method not found")), true));
  EXPECT_FALSE(is_session_over(answer(400, json, failure("-32602", "the session argument is missing")), true));
  EXPECT_FALSE(is_session_over(answer(400, json, failure("-32000", "Unsupported")), true));
  EXPECT_FALSE(is_session_over(answer(503, "text/plain", "session"), true));
}

TEST(HttpAnswer, ReportsChallengesAndRetryTimes) {
  http::answer refused = answer(401, "text/plain", "body");
  EXPECT_EQ(explain_answer(refused).peer_text(), "body");
  refused.www_authenticate = {R"(Basic realm="x")"};
  EXPECT_EQ(explain_answer(refused).peer_text(), "body");
  refused.www_authenticate.emplace_back(R"(Bearer error="invalid_token", error_description="it, expired", scope="a b")");
  EXPECT_EQ(explain_answer(refused).peer_text(), "invalid_token; it, expired; scope: a b");
  EXPECT_EQ(explain_answer(refused).code(), errc::auth_failed);
  http::answer busy = answer(503, "text/plain", "");
  EXPECT_EQ(explain_answer(busy).detail(), "the server answered HTTP 503");
  busy.retry_after = "120";
  EXPECT_EQ(explain_answer(busy).detail(), "the server answered HTTP 503; it asks to wait 120 s");
  busy.retry_after = "Wed, 21 Oct 2026 07:28:00 GMT";
  EXPECT_EQ(explain_answer(busy).detail(), "the server answered HTTP 503") << "nobody knows what time it is";
  busy.date = "Wed, 21 Oct 2026 07:27:30 GMT";
  EXPECT_EQ(explain_answer(busy).detail(), "the server answered HTTP 503; it asks to wait 30 s");
}

TEST(RetryAfter, IsReadAsSecondsAndAsADate) {
  using namespace std::chrono_literals;
  const timestamp now = from_iso8601("2026-10-21T07:28:00Z").value().time;
  const struct {
    unsigned status;
    const char* text;
    const char* date;
    std::optional<std::chrono::seconds> wait;
  } table[] = {
      {429, "20", "", 20s},
      {503, "0", "", 0s},
      {503, "Wed, 21 Oct 2026 07:28:20 GMT", "", 20s},
      {429, "Wed, 21 Oct 2026 07:28:20 GMT", "Wed, 21 Oct 2026 07:28:05 GMT", 15s},  // its clock is not ours
      {429, "Wed, 21 Oct 2026 09:28:20 GMT", "Wed, 21 Oct 2026 09:28:05 GMT", 15s},
      {429, "Wed, 21 Oct 2020 07:28:00 GMT", "", 0s},  // it is over
      {429, "99999999999999999999999999", "", std::chrono::seconds(999'999'999)},
      {429, "-1", "", std::nullopt},
      {429, "1.5", "", std::nullopt},
      {429, "soon", "", std::nullopt},
      {429, "", "", std::nullopt},
      {404, "20", "", std::nullopt},
      {500, "20", "", std::nullopt},
      {301, "20", "", std::nullopt},
  };
  for (const auto& row : table) {
    http::answer busy = answer(row.status, "text/plain", "");
    busy.retry_after = row.text;
    busy.date = row.date;
    EXPECT_EQ(wait_of(busy, now), row.wait) << row.status << " " << row.text;
    EXPECT_EQ(explain_answer(busy, now).retry_after(), row.wait);
    EXPECT_EQ(explain_answer(busy, now).http_status(), row.status);
  }
}

}  // namespace
}  // namespace mcpstate::mcp
