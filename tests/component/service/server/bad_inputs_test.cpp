// SPDX-License-Identifier: MIT
// What is wrong with a request is said at once, and in its own words.
#include "component/service/service_fixture.hh"

namespace mcpstate::test {
namespace {

const std::string one_connection = "/v1/users/42/connections/github";

struct expectation {
  std::string request;
  unsigned status;
  std::string words;
};

asio::awaitable<void> expect(service_fixture& f, std::vector<expectation> all) {
  for (const auto& each : all) {
    auto c = co_await f.client();
    const auto answer = co_await c->ask(each.request);
    EXPECT_EQ(answer.status, each.status) << each.request.substr(0, 200) << answer.body;
    EXPECT_NE(answer.body.find(each.words), std::string::npos) << each.request.substr(0, 200) << answer.body;
  }
}

std::string to_url(const std::string& url) { return with_body("PUT", one_connection, R"({"url":")" + url + R"("})"); }

SERVICE_TEST(BadInputs, RefuseUrlsThatCannotBeOnesAtOnce) {
  std::vector<expectation> all;
  for (const std::size_t size : {4097U, 5000U, 100'000U, 1'000'000U})
    all.push_back({to_url("https://x.example/" + std::string(size - 18, 'y')), 422, "the URL is too long"});
  all.push_back({to_url(""), 422, "the URL is empty"});
  for (const char* port : {":-1", ":0", ":99999", ":65536", ":a", ":-x", ":+80", ":8 0"}) {
    for (const char* host : {"127.0.0.1", "mcp.example", "[::1]", "10.1.2.3"})
      all.push_back({to_url("https://" + std::string(host) + port + "/"), 422, "URL"});
  }
  co_await expect(f, std::move(all));
  auto c = co_await f.client();
  EXPECT_EQ((co_await c->ask(get("/v1/users/42/connections"))).body, "[]") << "nothing was recorded";
}

SERVICE_TEST(BadInputs, KeepTheLongestUrl) {
  const std::string url = "https://127.0.0.1:1/" + std::string(4096 - 20, 'y');
  auto c = co_await f.client();
  const auto put = co_await c->ask(to_url(url));
  EXPECT_EQ(put.status, 202u) << put.body;
  EXPECT_NE(put.body.find(url), std::string::npos) << put.body;
  EXPECT_NE((co_await c->ask(get(one_connection))).body.find(url), std::string::npos);
}

SERVICE_TEST(BadInputs, RefuseCursorsOfNoPage) {
  std::vector<expectation> all;
  for (const char* cursor : {"99999999999999999999", "-1", "x", "0x10", "%20", "user:", "18446744073709551616"})
    all.push_back({get("/v1/owners?cursor=" + std::string(cursor)), 422, "urn:mcpstate:problem:invalid"});
  co_await expect(f, std::move(all));
}

SERVICE_TEST(BadInputs, RefuseANulWhereverANameIsGiven) {
  const std::string nul = "\\u0000";
  const std::string state = one_connection + "/state";
  std::vector<expectation> all{
      {with_body("POST", "/v1/tokens", R"({"owner":"user:a)" + nul + R"(b"})"), 400, "NUL"},
      {with_body("POST", "/v1/tokens", R"({"owner":"user:a","ttl":")" + nul + R"("})"), 400, "NUL"},
      {with_body("POST", "/v1/sessions/9fK/claim", R"({"user_id":"a)" + nul + R"("})"), 400, "NUL"},
      {with_body("PUT", one_connection, R"({"server":")" + nul + R"("})"), 400, "NUL"},
      {to_url("https://a" + nul + ".example/"), 400, "NUL"},
      {with_body("PUT", state, R"({"status":"FAILED","reason":"a)" + nul + R"("})"), 400, "NUL"},
      {with_body("PUT", state, R"({"status":"CONNECTED","tools":[{"name":"a"},{"name":"b)" + nul + R"("}]})"), 400, "NUL"},
      {with_body("PUT", state, R"({"status":"CONNECTED","tools":[{"n\u0061me":"b)" + nul + R"("}]})"), 400, "NUL"},
      {get("/v1/users/a%00b/connections"), 400, "NUL"},
      {get("/v1/users/a/connections/%00"), 400, "NUL"},
      {with_body("POST", one_connection + "/tools/a%00/call", "{}"), 400, "NUL"}};
  co_await expect(f, std::move(all));
  auto c = co_await f.client();
  // What is no name may hold anything.
  const std::string described = R"({"status":"CONNECTED","tools":[{"name":"a","description":"zero: )" + nul + R"("}]})";
  EXPECT_EQ((co_await c->ask(with_body("PUT", state, described))).status, 200u);
}

SERVICE_TEST(BadInputs, RefuseAPartOfABody) {
  const std::string report = R"({"status":"CONNECTED"})";
  for (const std::string range : {"bytes 0-21/22", "bytes 0-21/*", "nonsense"}) {
    auto c = co_await f.client();
    const auto put =
        co_await c->ask(with_body("PUT", one_connection + "/state", report, "Content-Range: " + range + "\r\n"));
    EXPECT_EQ(put.status, 400u) << range;
    EXPECT_NE(put.body.find("Content-Range"), std::string::npos) << put.body;
  }
  auto c = co_await f.client();
  EXPECT_EQ((co_await c->ask(get(one_connection))).status, 404u) << "nothing was recorded";
}

SERVICE_TEST(BadInputs, TellMethodsAndVersionsThatAreNotKnown) {
  const std::string host = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::vector<expectation> all;
  for (const char* method : {"PATCH", "BREW", "get", "TRACE", "PROPFIND"}) {
    for (const char* path : {"/healthz", "/v1/owners", "/nothing"})
      all.push_back({std::string(method) + " " + path + host, 501, "urn:mcpstate:problem:not-implemented"});
  }
  for (const char* version : {"HTTP/2.0", "HTTP/3.0", "HTTP/1.2", "HTTP/0.9"})
    all.push_back({"GET /healthz " + std::string(version) + "\r\nHost: localhost\r\n\r\n", 505, "unsupported-version"});
  all.push_back({"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "unsupported-version"});
  for (const char* version : {"HTTP/11", "HTTQ/1.1", "HTTP/a.b"})
    all.push_back({"GET /healthz " + std::string(version) + "\r\nHost: localhost\r\n\r\n", 400, "bad-request"});
  all.push_back({"DELETE /healthz" + host, 405, "method-not-allowed"});
  co_await expect(f, std::move(all));
}

SERVICE_TEST(BadInputs, AnswerOptionsOfTheWholeService) {
  auto c = co_await f.client();
  const auto answer = co_await c->ask("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(answer.status, 204u);
  EXPECT_NE(answer.field("Allow").find("PUT"), std::string::npos) << answer.head;
  EXPECT_EQ((co_await c->ask("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n")).status, 403u);
  auto again = co_await f.client();
  EXPECT_EQ((co_await again->ask("GET * HTTP/1.1\r\nHost: localhost\r\n\r\n")).status, 400u);
}

}  // namespace
}  // namespace mcpstate::test
