// SPDX-License-Identifier: MIT
#include "mcp/http_rules.hh"

#include <gtest/gtest.h>

#include <mcpstate/mcp/client.hpp>

namespace mcpstate::mcp {
namespace {

TEST(HttpUrl, Parts) {
  const auto url = parse_http_url("HTTPS://Example.org:8443/a%20b/mcp/?key=s3cret#part").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "Example.org");
  EXPECT_EQ(url.port, "8443");
  EXPECT_EQ(url.authority, "Example.org:8443");
  EXPECT_EQ(url.target, "/a%20b/mcp/?key=s3cret");
  EXPECT_EQ(url.shown, "https://Example.org:8443/a%20b/mcp/");
}

TEST(HttpUrl, Defaults) {
  EXPECT_EQ(parse_http_url("http://h").value().target, "/");
  EXPECT_EQ(parse_http_url("http://h").value().port, "80");
  EXPECT_EQ(parse_http_url("https://h").value().port, "443");
  EXPECT_EQ(parse_http_url("http://h?q").value().target, "/?q");
  EXPECT_EQ(parse_http_url("http://h:/x").value().authority, "h");
  EXPECT_EQ(parse_http_url("http://h").value().shown, "http://h");
  EXPECT_EQ(parse_http_url("http://127.0.0.1:1/mcp").value().host, "127.0.0.1");
}

TEST(HttpUrl, NamesThatBeginLikeAnAddress) {
  const auto url = parse_http_url("http://10.0.0.1.nip.io:8080/a?b").value();
  EXPECT_EQ(url.host, "10.0.0.1.nip.io");
  EXPECT_EQ(url.port, "8080");
  EXPECT_EQ(url.authority, "10.0.0.1.nip.io:8080");
  EXPECT_EQ(url.target, "/a?b");
  EXPECT_EQ(url.shown, "http://10.0.0.1.nip.io:8080/a");
  EXPECT_EQ(parse_http_url("https://1.2.3.4x").value().host, "1.2.3.4x");
  EXPECT_EQ(parse_http_url("https://1.2.3.4x").value().target, "/");
  EXPECT_EQ(parse_http_url("https://1.2.3.4.5?q").value().target, "/?q");
  EXPECT_FALSE(parse_http_url("http://1.2.3.4@h/").has_value());
  EXPECT_FALSE(parse_http_url("http://1.2.3.4.h:0/").has_value());
  EXPECT_FALSE(parse_http_url("http://1.2.3.4:80:80/").has_value());
  EXPECT_FALSE(parse_http_url("http://1.2.3.4%41/").has_value());
  EXPECT_FALSE(parse_http_url("http://h:80:80/").has_value());
  EXPECT_FALSE(parse_http_url("http://[::1]x/").has_value());
}

TEST(HttpUrl, AddressInBrackets) {
  const auto url = parse_http_url("http://[::1]:3001/mcp").value();
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.authority, "[::1]:3001");
}

TEST(HttpUrl, Refused) {
  for (const char* const text : {"",
                                 "h",
                                 "/mcp",
                                 "ftp://h/",
                                 "http:",
                                 "http:///x",
                                 "http://h:99999/",
                                 "http://h:0/",
                                 "http://a b/",
                                 "http://h/a b",
                                 "http://h%41/",
                                 "http://me:s3cret@h/",
                                 "http://me@h/",
                                 "http://h/\r\nX: y",
                                 "http:\xD8",
                                 "http:?",
                                 "http:",
                                 ":",
                                 "://",
                                 "a:b",
                                 "//h/",
                                 "http://h/\xC3\xA9",
                                 "http://h/\x7F"}) {
    const auto url = shown_url(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_EQ(url.error().code(), errc::bad_url) << text;
    EXPECT_EQ(url.error().full_text().find("s3cret"), std::string::npos);
  }
  EXPECT_EQ(shown_url("http://h/x?token=s3cret#f").value(), "http://h/x");
}

TEST(HttpHeaders, Checked) {
  const auto code = [](std::string name, std::string value) {
    header_list headers;
    headers.emplace_back(std::move(name), std::move(value));
    const auto checked = check_headers(headers);
    return checked ? "fine" : std::string(name_of(checked.error().code()));
  };
  EXPECT_EQ(code("Authorization", "Bearer a b\tc"), "fine");
  EXPECT_EQ(code("X-Caf\xC3\xA9", "v"), "bad_argument");
  EXPECT_EQ(code("X", "caf\xC3\xA9"), "fine");
  EXPECT_EQ(code("", "v"), "bad_argument");
  EXPECT_EQ(code("A B", "v"), "bad_argument");
  EXPECT_EQ(code("X", "a\r\nY: b"), "bad_argument");
  for (const char* const own :
       {"host", "CONTENT-LENGTH", "Mcp-Session-Id", "mcp-protocol-version", "Accept", "Transfer-Encoding"}) {
    EXPECT_EQ(code(own, "v"), "bad_argument") << own;
  }
}

TEST(HttpHeaders, UserAgent) {
  EXPECT_EQ(user_agent("mcpstate", "0.1.0"), "mcpstate/0.1.0");
  EXPECT_EQ(user_agent("my app\r\nX: y", ""), "my-app--X--y");
  EXPECT_EQ(user_agent("", "1 (beta)"), "mcpstate/1--beta-");
  const header_list given = {{"user-AGENT", "x"}};
  EXPECT_TRUE(has_header(given, "User-Agent"));
  EXPECT_FALSE(has_header(given, "User"));
}

TEST(HttpAnswer, MediaType) {
  EXPECT_EQ(media_type("Text/Event-Stream ; charset=utf-8"), "text/event-stream");
  EXPECT_EQ(media_type("  application/json"), "application/json");
  EXPECT_EQ(media_type(""), "");
  EXPECT_EQ(media_type(" "), "");
}

TEST(HttpAnswer, SessionIds) {
  EXPECT_TRUE(is_session_id("!a~0-9"));
  for (const char* const bad : {"", "a b", "a\tb", "caf\xC3\xA9", "a\x7F"}) EXPECT_FALSE(is_session_id(bad)) << bad;
  EXPECT_FALSE(is_session_id(std::string(5000, 'x')));
}

http_answer answer(unsigned status, std::string type, std::string body) {
  http_answer out;
  out.status = status;
  out.content_type = std::move(type);
  out.body = std::move(body);
  return out;
}

TEST(HttpAnswer, Explained) {
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

TEST(HttpAnswer, RedirectsShowWhereToWithoutSecrets) {
  http_answer moved = answer(308, "", "");
  moved.location = "https://h/mcp/?token=s3cret";
  EXPECT_EQ(explain_answer(moved).code(), errc::http_status);
  EXPECT_EQ(explain_answer(moved).peer_text(), "https://h/mcp/");
  moved.location = "https://me:s3cret@h/";
  EXPECT_EQ(explain_answer(moved).peer_text(), "");
}

TEST(HttpAnswer, ErrorsOfJsonRpcAreAnswersWhateverTheStatus) {
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

TEST(HttpAnswer, SessionOver) {
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

TEST(HttpAnswer, ChallengesAndWaits) {
  http_answer refused = answer(401, "text/plain", "body");
  EXPECT_EQ(explain_answer(refused).peer_text(), "body");
  refused.www_authenticate = {R"(Basic realm="x")"};
  EXPECT_EQ(explain_answer(refused).peer_text(), "body");
  refused.www_authenticate.emplace_back(R"(Bearer error="invalid_token", error_description="it, expired", scope="a b")");
  EXPECT_EQ(explain_answer(refused).peer_text(), "invalid_token; it, expired; scope: a b");
  EXPECT_EQ(explain_answer(refused).code(), errc::auth_failed);
  http_answer busy = answer(503, "text/plain", "");
  EXPECT_EQ(explain_answer(busy).detail(), "the server answered HTTP 503");
  busy.retry_after = "120";
  EXPECT_EQ(explain_answer(busy).detail(), "the server answered HTTP 503; it asks to wait 120 s");
  busy.retry_after = "Wed, 21 Oct 2026 07:28:00 GMT";
  EXPECT_EQ(explain_answer(busy).detail(), "the server answered HTTP 503");
}

}  // namespace
}  // namespace mcpstate::mcp
