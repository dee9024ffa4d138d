// SPDX-License-Identifier: MIT
// What browsers are told, and what they may ask; and how long a list of tools a host may report.
#include "component/service/service_fixture.hh"

namespace mcpstate::test {
namespace {

asio::awaitable<void> pages_of_other_sites(service_fixture& f) {
  auto c = co_await f.client();
  for (const std::string path : {"/v1/owners", "/favicon.svg", "/v1/users/1/events", "/"}) {
    const auto refused = co_await c->ask(get(path, "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"));
    EXPECT_EQ(refused.status, 403u) << path;
    EXPECT_NE(refused.body.find("forbidden-origin"), std::string::npos) << refused.body;
  }
  const auto twice = co_await c->ask(get("/v1/owners", "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n"));
  EXPECT_EQ(twice.status, 400u);
  auto again = co_await f.client();
  const auto own = co_await again->ask(get("/v1/owners", "Sec-Fetch-Site: same-origin\r\n"));
  EXPECT_EQ(own.status, 200u);
  const auto link = co_await again->ask(
      get("/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"));
  EXPECT_EQ(link.status, 200u);
}
TEST(Browsers, LetNoPageOfAnotherSiteAsk) { with_service(pages_of_other_sites); }

asio::awaitable<void> headers_for_browsers(service_fixture& f) {
  auto c = co_await f.client();
  for (const std::string path : {"/v1/owners", "/", "/style.css", "/healthz", "/nothing", "/v1/nothing"}) {
    const auto answer = co_await c->ask(get(path));
    EXPECT_EQ(answer.field("Cross-Origin-Resource-Policy"), "same-origin") << path;
  }
  const auto page = co_await c->ask(get("/"));
  EXPECT_EQ(page.field("Cross-Origin-Opener-Policy"), "same-origin");
}
TEST(Browsers, EmbedNothingAndKeepNoWindow) { with_service(headers_for_browsers); }

std::string report_of(std::size_t tools, const std::string& tool) {
  std::string out = R"({"status":"CONNECTED","tools":[)";
  for (std::size_t i = 0; i < tools; ++i) out += (i == 0 ? "" : ",") + tool;
  return out + "]}";
}

asio::awaitable<void> long_reports(service_fixture& f) {
  auto c = co_await f.client();
  const std::string path = "/v1/users/1/connections/a/state";
  for (const std::string tool : {"{}", R"({"name":"a"})", R"({"name":"b","inputSchema":{}})"}) {
    const auto longest = co_await c->ask(with_body("PUT", path, report_of(5000, tool)));
    EXPECT_EQ(longest.status, 200u) << longest.body;
    const auto too_long = co_await c->ask(with_body("PUT", path, report_of(5001, tool)));
    EXPECT_EQ(too_long.status, 413u) << too_long.body;
    EXPECT_NE(too_long.body.find("5000"), std::string::npos) << too_long.body;
  }
}
TEST(Reports, AreNoLongerThanListsFromServers) { with_service(long_reports); }

}  // namespace
}  // namespace mcpstate::test
