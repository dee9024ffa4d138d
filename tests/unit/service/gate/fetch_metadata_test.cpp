// SPDX-License-Identifier: MIT
// What must not happen: that a page of another site makes a browser ask a service on a loopback address.
#include <gtest/gtest.h>

#include "service/gate/authorizer.hh"

namespace mcpstate::service {
namespace {

class FetchMetadata : public ::testing::Test {
 protected:
  FetchMetadata() { hosts_.add_bound("127.0.0.1"); }

  static http_request request(http_method method, const std::string& target, const char* site) {
    http_request out;
    out.method = method;
    out.target = target;
    out.host = "localhost:7337";
    out.fetch_site = site;
    return out;
  }
  std::string outcome(const http_request& asked) {
    const authorizer tested(hosts_, owner_limits(rate_, rate_), body_limits());
    const auto decided = tested.authorize(asked, access_keys(), timestamp(), std::chrono::steady_clock::time_point());
    const auto* no = std::get_if<rejection>(&decided);
    return no == nullptr ? "let in" : std::string(facts_of(no->reason.kind).slug);
  }

  host_policy hosts_;
  rate_limit rate_{0, 1};
};

TEST_F(FetchMetadata, LetsNoPageOfAnotherSiteAsk) {
  for (const char* target :
       {"/v1/owners", "/v1/users/1/events", "/", "/style.css", "/favicon.svg", "/healthz", "/metrics"}) {
    for (const auto method : {http_method::get, http_method::head}) {
      EXPECT_EQ(outcome(request(method, target, "cross-site")), "forbidden-origin") << target;
      EXPECT_EQ(outcome(request(method, target, "Cross-Site")), "forbidden-origin") << target;
    }
  }
  EXPECT_EQ(outcome(request(http_method::del, "/v1/users/1/connections", "cross-site")), "forbidden-origin");
  EXPECT_EQ(outcome(request(http_method::post, "/v1/users/1/connections/a/retry", "cross-site")), "forbidden-origin");
}

TEST_F(FetchMetadata, LetsItsOwnPagesAndProgramsAsk) {
  for (const char* site : {"same-origin", "none", "same-site", ""}) {
    EXPECT_EQ(outcome(request(http_method::get, "/v1/owners", site)), "let in") << site;
  }
  auto plain = request(http_method::get, "/v1/owners", "");
  plain.fetch_site.reset();
  EXPECT_EQ(outcome(plain), "let in");
}

TEST_F(FetchMetadata, LetsALinkLeadToTheDashboardAndNowhereElse) {
  auto asked = request(http_method::get, "/", "cross-site");
  asked.fetch_mode = "navigate";
  asked.fetch_dest = "document";
  EXPECT_EQ(outcome(asked), "let in");
  asked.target = "/v1/owners";
  EXPECT_EQ(outcome(asked), "forbidden-origin");
  asked.target = "/";
  asked.fetch_dest = "iframe";
  EXPECT_EQ(outcome(asked), "forbidden-origin");
  asked.fetch_dest = "document";
  asked.fetch_mode = "no-cors";
  EXPECT_EQ(outcome(asked), "forbidden-origin");
  asked.fetch_mode = "navigate";
  asked.method = http_method::post;  // a form
  EXPECT_EQ(outcome(asked), "forbidden-origin");
}

TEST_F(FetchMetadata, LetsListedOriginsAsk) {
  hosts_.add_origin("https://app.example");
  auto asked = request(http_method::get, "/v1/owners", "cross-site");
  EXPECT_EQ(outcome(asked), "forbidden-origin");
  asked.origin = "https://app.example";
  EXPECT_EQ(outcome(asked), "let in");
  asked.origin = "http://localhost:7337";  // what no browser says of such a page
  EXPECT_EQ(outcome(asked), "forbidden-origin");
}

}  // namespace
}  // namespace mcpstate::service
