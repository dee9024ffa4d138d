// SPDX-License-Identifier: MIT
#include "service/gate/authorizer.hh"

#include <gtest/gtest.h>

namespace mcpstate::service {
namespace {

using namespace std::chrono_literals;

const std::string service_token = "a-service-token-of-enough-bytes";
const timestamp now = timestamp(std::chrono::microseconds(1'800'000'000'000'000));

class Authorizer : public ::testing::Test {
 protected:
  Authorizer() { hosts_.add_bound("127.0.0.1"); }

  static http_request request(http_method method, const std::string& target) {
    http_request out;
    out.method = method;
    out.target = target;
    out.host = "localhost:7337";
    return out;
  }
  http_request with_token(http_method method, const std::string& target, const std::string& token) {
    auto out = request(method, target);
    out.authorization = "Bearer " + token;
    return out;
  }
  static http_request with_body(http_method method, const std::string& target) {
    auto out = request(method, target);
    out.has_body = true;
    out.content_length = 2;
    out.content_type = "application/json";
    return out;
  }
  decision authorize(const http_request& request) {
    const authorizer tested(hosts_, owner_limits(*rate_, *connects_), body_limits());
    return tested.authorize(request, keys_, now, std::chrono::steady_clock::time_point());
  }
  // 0: let in.
  unsigned status(const http_request& asked) {
    const auto decided = authorize(asked);
    if (std::holds_alternative<authorized_request>(decided)) return 0;
    if (const auto* no = std::get_if<rejection>(&decided)) return facts_of(no->reason.kind).status;
    return 204;
  }
  std::string slug(const http_request& asked) {
    const auto decided = authorize(asked);
    const auto* no = std::get_if<rejection>(&decided);
    return no == nullptr ? "let in" : std::string(facts_of(no->reason.kind).slug);
  }
  void use_keys() { keys_ = access_keys::parse(service_token).value(); }

  host_policy hosts_;
  access_keys keys_;
  std::optional<rate_limit> rate_{std::in_place, 0, 1}, connects_{std::in_place, 0, 1};
};

// A path of each route, with names in it.
std::string path_of(const route_spec& r, const std::string& kind, const std::string& id) {
  std::string out(r.pattern);
  const auto put = [&out](const std::string& name, const std::string& value) {
    const auto at = out.find(name);
    if (at != std::string::npos) out.replace(at, name.size(), value);
  };
  put("{kind}", kind);
  put("{id}", id);
  put("{server}", "github");
  put("{name}", "github");
  put("{tool}", "echo");
  return out;
}

TEST_F(Authorizer, FindsEveryRouteOfTheTable) {
  for (const auto& r : routes()) {
    const auto decided = authorize(request(r.method, path_of(r, "sessions", "a%2Fb")));
    const auto* in = std::get_if<authorized_request>(&decided);
    ASSERT_NE(in, nullptr) << r.pattern;
    EXPECT_EQ(in->route->operation, r.operation) << r.pattern;
    if (r.pattern.find("{id}") != std::string_view::npos) {
      ASSERT_TRUE(in->owner) << r.pattern;
      EXPECT_EQ(in->owner->text(), "session:a/b");
    }
    if (r.pattern.find("{server}") != std::string_view::npos) {
      EXPECT_EQ(in->server->text(), "github");
    }
    if (r.pattern.find("{tool}") != std::string_view::npos) {
      EXPECT_EQ(in->tool, "echo");
    }
  }
}

TEST_F(Authorizer, ListsTheMethodsOfAPath) {
  const auto decided = authorize(request(http_method::post, "/v1/users/42/connections/github"));
  const auto* no = std::get_if<rejection>(&decided);
  ASSERT_NE(no, nullptr);
  EXPECT_EQ(facts_of(no->reason.kind).status, 405u);
  EXPECT_EQ(no->allowed_methods, "GET, HEAD, PUT, DELETE, OPTIONS");
  EXPECT_EQ(status(request(http_method::other, "/v1/owners")), 501u);
  EXPECT_EQ(status(request(http_method::head, "/v1/owners")), 0u);
  EXPECT_EQ(status(request(http_method::options, "/v1/owners")), 204u);
  for (const char* path : {"/v1/nothing", "/v1", "/v1/users/42", "/v1/teams/42/connections", "/v1/users/42/connections/a/b"})
    EXPECT_NE(status(request(http_method::get, path)), 0u) << path;
  EXPECT_EQ(slug(request(http_method::get, "/v1/nothing")), "no-route");
}

TEST_F(Authorizer, TakesOtherPathsForFilesOfTheDashboard) {
  const auto decided = authorize(request(http_method::get, "/app.js"));
  const auto* in = std::get_if<authorized_request>(&decided);
  ASSERT_NE(in, nullptr);
  EXPECT_EQ(in->route->operation, operation_id::dashboard);
  EXPECT_EQ(in->path, "/app.js");
  EXPECT_EQ(status(request(http_method::post, "/app.js")), 404u);
}

TEST_F(Authorizer, AcceptsOwnHostsOnly) {
  auto asked = request(http_method::get, "/healthz");
  for (const char* host : {"localhost", "LOCALHOST:80", "127.0.0.1:7337", "[::1]:7337"}) {
    asked.host = host;
    EXPECT_EQ(status(asked), 0u) << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost:80:80",
                           "localhost:x", "", "user@localhost", "[::1", "localhost:1234567"}) {
    asked.host = host;
    EXPECT_EQ(slug(asked), "forbidden-host") << host;
  }
  hosts_.add_host("MCP.example");
  asked.host = "mcp.example:443";
  EXPECT_EQ(status(asked), 0u);
  asked.host.reset();
  EXPECT_EQ(status(asked), 400u);
  asked.version = 10;
  EXPECT_EQ(status(asked), 0u);
  EXPECT_EQ(slug(request(http_method::get, "http://evil.example/healthz")), "forbidden-host");
  EXPECT_EQ(status(request(http_method::get, "http://localhost/healthz")), 0u);
}

TEST_F(Authorizer, AcceptsOwnAndListedOriginsOnly) {
  auto asked = request(http_method::get, "/v1/owners");
  asked.origin = "http://localhost:7337";
  EXPECT_EQ(status(asked), 0u);
  for (const char* origin :
       {"http://localhost:7338", "null", "http://evil.example", "file://", "ftp://localhost:7337", ""}) {
    asked.origin = origin;
    EXPECT_EQ(slug(asked), "forbidden-origin") << origin;
  }
  hosts_.add_origin("https://App.example");
  asked.origin = "https://app.example";
  const auto decided = authorize(asked);
  ASSERT_TRUE(std::holds_alternative<authorized_request>(decided));
  EXPECT_EQ(std::get<authorized_request>(decided).cors_origin, "https://app.example");
}

TEST_F(Authorizer, AnswersPreflightsWithoutAToken) {
  use_keys();
  hosts_.add_origin("https://app.example");
  auto asked = request(http_method::options, "/v1/users/42/connections");
  asked.origin = "https://app.example";
  asked.preflight_method = "DELETE";
  const auto decided = authorize(asked);
  const auto* ok = std::get_if<options_request>(&decided);
  ASSERT_NE(ok, nullptr);
  EXPECT_TRUE(ok->preflight);
  EXPECT_EQ(ok->cors_origin, "https://app.example");
  EXPECT_NE(ok->allowed_methods.find("DELETE"), std::string::npos);
  asked.origin = "https://evil.example";
  EXPECT_EQ(slug(asked), "forbidden-origin");
}

TEST_F(Authorizer, RequiresATokenExceptForHealthAndFiles) {
  use_keys();
  for (const auto& r : routes()) {
    const auto path = path_of(r, "users", "42");
    const unsigned without = r.access == access_rule::open ? 0 : 401;
    EXPECT_EQ(status(request(r.method, path)), without) << r.pattern;
    EXPECT_EQ(status(with_token(r.method, path, service_token)),
              path.find("users/42/claim") == std::string::npos ? 0u : 404u);
    EXPECT_EQ(status(with_token(r.method, path, service_token + "x")), without) << r.pattern;
  }
  EXPECT_EQ(status(request(http_method::get, "/v1/nothing")), 401u);
  auto basic = request(http_method::get, "/v1/owners");
  basic.authorization = "Basic " + service_token;
  EXPECT_EQ(status(basic), 401u);
}

TEST_F(Authorizer, LimitsAnOwnerTokenToItsOwnPaths) {
  use_keys();
  const auto token = keys_.mint(owner::user("42").value(), 60s, now);
  for (const auto& r : routes()) {
    const bool open = r.access == access_rule::open;
    const bool own = r.access == access_rule::owner_token;
    EXPECT_EQ(status(with_token(r.method, path_of(r, "users", "42"), token)), open || own ? 0u : 403u) << r.pattern;
    EXPECT_EQ(status(with_token(r.method, path_of(r, "users", "43"), token)), open ? 0u : 403u) << r.pattern;
    EXPECT_EQ(status(with_token(r.method, path_of(r, "sessions", "42"), token)), open ? 0u : 403u) << r.pattern;
    EXPECT_EQ(status(with_token(r.method, path_of(r, "users", "4%32"), token)), open || own ? 0u : 403u) << r.pattern;
  }
  EXPECT_EQ(status(with_token(http_method::get, "/v1/nothing", token)), 403u);
  EXPECT_EQ(status(with_token(http_method::get, "/v1/users/43/nothing", token)), 403u);
  EXPECT_EQ(status(with_token(http_method::get, "/v1/users/42/nothing", token)), 404u);
  const auto session = keys_.mint(owner::session("k").value(), 60s, now);
  EXPECT_EQ(status(with_token(http_method::post, "/v1/sessions/k/claim", session)), 403u);
}

TEST_F(Authorizer, LimitsTheRateOfAnOwner) {
  use_keys();
  rate_.emplace(1, 2);
  const auto asked =
      with_token(http_method::get, "/v1/users/42/connections", keys_.mint(owner::user("42").value(), 60s, now));
  EXPECT_EQ(status(asked), 0u);
  EXPECT_EQ(status(asked), 0u);
  const auto decided = authorize(asked);
  const auto* no = std::get_if<rejection>(&decided);
  ASSERT_NE(no, nullptr);
  EXPECT_EQ(no->reason.kind, problem_kind::too_many_requests);
  EXPECT_TRUE(no->retry_after);
  const auto service = with_token(http_method::get, "/v1/users/42/connections", service_token);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(status(service), 0u);
}

TEST_F(Authorizer, RefusesUnknownParametersByName) {
  const auto decided = authorize(request(http_method::get, "/v1/users/42/connections?tols=true"));
  const auto* no = std::get_if<rejection>(&decided);
  ASSERT_NE(no, nullptr);
  EXPECT_EQ(no->reason.kind, problem_kind::unknown_parameter);
  EXPECT_NE(no->reason.detail.find("tols"), std::string::npos);
  EXPECT_EQ(slug(request(http_method::get, "/v1/owners?access_token=x")), "unknown-parameter");
  EXPECT_EQ(slug(request(http_method::get, "/v1/owners?limit=1&limit=2")), "bad-parameter");
  EXPECT_EQ(slug(request(http_method::get, "/v1/users/" + std::string(513, 'a') + "/connections")), "bad-path");
  EXPECT_EQ(slug(request(http_method::get, "/v1/users/%FF/connections")), "bad-path");
}

TEST_F(Authorizer, AcceptsJsonBodiesOnly) {
  auto asked = with_body(http_method::put, "/v1/users/42/connections/github");
  EXPECT_EQ(status(asked), 0u);
  for (const char* type : {"application/json; charset=utf-8", "Application/JSON;charset=UTF-8"}) {
    asked.content_type = type;
    EXPECT_EQ(status(asked), 0u) << type;
  }
  for (const char* type : {"text/plain", "application/jsonx", "application/json; charset=latin1", ""}) {
    asked.content_type = type;
    EXPECT_EQ(status(asked), 415u) << type;
  }
  asked.content_type.reset();
  EXPECT_EQ(status(asked), 415u);
  EXPECT_EQ(status(with_body(http_method::get, "/v1/owners")), 400u);
  asked = with_body(http_method::put, "/v1/users/42/connections/github");
  asked.content_length = 1024 * 1024 + 1;
  EXPECT_EQ(status(asked), 413u);
  asked.target += "/state";
  EXPECT_EQ(status(asked), 0u);
  asked.expect = "200-maybe";
  EXPECT_EQ(status(asked), 417u);
}

TEST_F(Authorizer, LimitsHowOftenOneOwnerMakesUsConnect) {
  use_keys();
  connects_.emplace(5, 3);
  const auto token = [this](const char* id) { return keys_.mint(owner::user(id).value(), 1h, now); };
  const auto put = [&](const std::string& sender, const std::string& id) {
    return with_token(http_method::put, "/v1/users/" + id + "/connections/github", sender);
  };
  const auto mallory = token("mallory");
  const auto retry = with_token(http_method::post, "/v1/users/mallory/connections/github/retry", mallory);
  EXPECT_EQ(status(put(mallory, "mallory")), 0u);
  EXPECT_EQ(status(retry), 0u);
  EXPECT_EQ(status(put(mallory, "mallory")), 0u);
  for (const auto& more : {put(mallory, "mallory"), retry}) {
    const auto decided = authorize(more);
    const auto* no = std::get_if<rejection>(&decided);
    ASSERT_NE(no, nullptr);
    EXPECT_EQ(no->reason.kind, problem_kind::too_many_requests);
    EXPECT_EQ(no->retry_after, 200ms);
    EXPECT_NE(no->pattern, "none");
  }
  EXPECT_EQ(status(put(token("bob"), "bob")), 0u) << "another owner";
  EXPECT_EQ(status(put(service_token, "mallory")), 0u) << "a service knows what it does";
  EXPECT_EQ(status(with_token(http_method::get, "/v1/users/mallory/connections", mallory)), 0u) << "a read";
  EXPECT_EQ(status(with_token(http_method::del, "/v1/users/mallory/connections/github", mallory)), 0u);
}

TEST_F(Authorizer, CountsNoAttemptForARequestThatIsRefused) {
  use_keys();
  connects_.emplace(5, 1);
  const auto token = keys_.mint(owner::user("42").value(), 1h, now);
  EXPECT_EQ(status(with_token(http_method::put, "/v1/users/42/connections/github?nonsense=1", token)), 400u);
  EXPECT_EQ(status(with_token(http_method::put, "/v1/users/7/connections/github", token)), 403u);
  EXPECT_EQ(status(with_token(http_method::put, "/v1/users/42/connections/github", token)), 0u);
}

}  // namespace
}  // namespace mcpstate::service
