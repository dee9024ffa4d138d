// SPDX-License-Identifier: MIT
// Entity tags, bodies, problems, heads, and the OpenAPI document against the router's table.
#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <set>

#include "service/gate/header_fields.hh"
#include "service/gate/host_policy.hh"
#include "service/gate/router.hh"
#include "service/http/body_reader.hh"
#include "service/http/etag.hh"
#include "service/http/problem.hh"
#include "service/http/response_head.hh"
#include "service/routes/openapi.hh"

namespace mcpstate::service {
namespace {

connection record(std::uint64_t revision, bool altered = false) {
  connection c(owner::user("42").value(), "github");
  c.revision = revision;
  c.altered = altered;
  c.seen.status_bytes = "CONNECTED";
  return c;
}

TEST(Etag, NamesTheStateAndTheBytes) {
  EXPECT_EQ(state_tag(record(7)), "r7");
  EXPECT_TRUE(state_tag(record(7, true)).starts_with("r7x"));
  EXPECT_TRUE(state_tag(record(0)).starts_with("r0x"));
  EXPECT_NE(etag_of(record(7), digest_of("a")), etag_of(record(7), digest_of("b")));
  EXPECT_TRUE(etag_of(record(7), digest_of("a")).starts_with("\"r7-"));
}

// Instances share clients: another build or machine has to make the same of the same.
TEST(Etag, IsEqualInAllProcesses) {
  EXPECT_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb924");
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223");
  EXPECT_EQ(digest_of("abc", {}), digest_of("abc"));
  EXPECT_NE(digest_of("abc", {digest_of("d")}), digest_of("abc"));
  EXPECT_NE(digest_of("abc", {digest_of("d"), digest_of("e")}), digest_of("abc", {digest_of("e"), digest_of("d")}));
  EXPECT_EQ(etag_of("9f"), "\"9f\"");
}

TEST(Etag, ComparesWholeTagsForIfNoneMatch) {
  const auto tag = etag_of(record(7), digest_of("bytes"));
  EXPECT_TRUE(if_none_match_lists(tag, tag));
  EXPECT_TRUE(if_none_match_lists("\"x\", W/" + tag, tag));
  EXPECT_TRUE(if_none_match_lists("*", tag));
  EXPECT_FALSE(if_none_match_lists("\"r7\"", tag));
  EXPECT_FALSE(if_none_match_lists("", tag));
  EXPECT_FALSE(if_none_match_lists("\"unfinished", tag));
}

TEST(Etag, ComparesTheStateForIfMatch) {
  const auto c = record(7), other = record(7, true);
  EXPECT_TRUE(if_match_lists(etag_of(c, digest_of("whatever")), &c));
  EXPECT_TRUE(if_match_lists("\"r7\"", &c));
  EXPECT_TRUE(if_match_lists("\"r6\", \"r7\"", &c));
  EXPECT_TRUE(if_match_lists("*", &c));
  EXPECT_FALSE(if_match_lists("*", nullptr));
  EXPECT_FALSE(if_match_lists("\"r6\"", &c));
  EXPECT_FALSE(if_match_lists("W/\"r7\"", &c));
  EXPECT_FALSE(if_match_lists("\"r7\"", &other));
  EXPECT_TRUE(if_match_lists(etag_of(other, digest_of("x")), &other));
  EXPECT_FALSE(if_match_lists("r7", &c));
}

TEST(BodyReader, ReadsKnownMembersOnly) {
  const auto body =
      body_reader::parse(R"({"status":"CONNECTED","tools":[ {"a": 1.0} ],"yes":true})", {"status", "tools", "yes"});
  ASSERT_TRUE(body) << body.error().detail();
  EXPECT_EQ(body->text("status").value(), "CONNECTED");
  EXPECT_EQ(body->raw("tools"), "[ {\"a\": 1.0} ]");
  EXPECT_TRUE(body->flag("yes").value());
  EXPECT_FALSE(body->text("absent").value());
  EXPECT_FALSE(body->text("tools"));
  EXPECT_FALSE(body->flag("status"));
}

TEST(BodyReader, NamesTheFaultOfABody) {
  const auto detail = [](const char* text) {
    const auto body = body_reader::parse(text, {"url"});
    return body ? std::string("fine") : body.error().detail();
  };
  EXPECT_EQ(detail(""), "fine");
  EXPECT_EQ(detail(" {} "), "fine");
  EXPECT_NE(detail(R"({"ulr":"x"})").find("'ulr'"), std::string::npos);
  EXPECT_NE(detail(R"({"url":"x","u\u0072l":"y"})").find("twice"), std::string::npos);
  for (const char* text : {"[]", "1", "null", "{", "{}{}", "{\"url\":}", "\xFF", "{\"a\":\"\xC3\"}"})
    EXPECT_NE(detail(text), "fine") << text;
}

TEST(Problem, HasASlugAndAnErrorStatusForEachKind) {
  std::set<std::string_view> slugs;
  for (std::size_t i = 0; i < problem_kinds; ++i) {
    const auto& facts = facts_of(static_cast<problem_kind>(i));
    EXPECT_TRUE(slugs.insert(facts.slug).second) << facts.slug;
    EXPECT_GE(facts.status, 400u);
    EXPECT_LT(facts.status, 600u);
    EXPECT_NE(reason_phrase(facts.status), "Status") << facts.status;
  }
}

TEST(Problem, ShowsPeerTextOnlyForCalls) {
  const error e(errc::rpc_error, "the server refused", "peer says secret things");
  EXPECT_EQ(problem_response(problem_of(e), "id").body.find("secret"), std::string::npos);
  const auto told = problem_response(problem_of_call(e), "id");
  EXPECT_EQ(told.status, 502u);
  EXPECT_NE(told.body.find("secret"), std::string::npos);
  EXPECT_EQ(told.content_type, "application/problem+json");
  EXPECT_NE(told.body.find("urn:mcpstate:problem:server-failed"), std::string::npos);
}

TEST(Problem, BlamesTheStoreForStoreFailures) {
  EXPECT_EQ(facts_of(problem_of(error(errc::connect_failed, "x")).kind).status, 503u);
  EXPECT_EQ(facts_of(problem_of(error(errc::auth_failed, "x")).kind).status, 503u);
  EXPECT_EQ(facts_of(problem_of_call(error(errc::storage_failed, "x")).kind).status, 503u);
  EXPECT_EQ(facts_of(problem_of_call(error(errc::auth_failed, "x")).kind).status, 502u);
  EXPECT_EQ(facts_of(problem_of(error(errc::disk_full, "x")).kind).status, 507u);
  EXPECT_EQ(facts_of(problem_of(error(errc::too_large, "x")).kind).status, 413u);
  EXPECT_EQ(facts_of(problem_of(error(errc::no_record, "x")).kind).status, 404u);
  EXPECT_EQ(facts_of(problem_of(error(errc::stale_basis, "x")).kind).status, 409u);
  EXPECT_EQ(facts_of(problem_of(error(errc::kept_elsewhere, "x")).kind).status, 421u);
}

TEST(ResponseHead, NamesLengthTypeAndRequestId) {
  http_response what;
  what.body = "{}";
  what.etag = "\"r1-2\"";
  head_options options;
  options.request_id = "abc";
  const auto head = response_head(what, options);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  for (const char* field :
       {"Content-Length: 2\r\n", "ETag: \"r1-2\"\r\n", "X-Request-Id: abc\r\n", "Content-Type: application/json\r\n"})
    EXPECT_NE(head.find(field), std::string::npos) << field;
  EXPECT_EQ(head.find("Connection:"), std::string::npos);
  options.keep_alive = false;
  what.status = 304;
  const auto none = response_head(what, options);
  EXPECT_NE(none.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(none.find("Content-Length"), std::string::npos);
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(RequestChecks, ReadBearerTokensAndRequestIds) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bearer  abc "), "abc");
  EXPECT_FALSE(bearer_token("Basic abc"));
  EXPECT_FALSE(bearer_token("Bearer"));
  EXPECT_TRUE(is_request_id("a-1:b/c"));
  EXPECT_FALSE(is_request_id(""));
  EXPECT_FALSE(is_request_id("a b"));
  EXPECT_FALSE(is_request_id(std::string(129, 'a')));
  EXPECT_TRUE(is_loopback("127.8.8.8"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("10.0.0.1"));
}

// {kind} stands for two paths of the document.
std::set<std::string> routes_as_documented() {
  std::set<std::string> out;
  for (const auto& r : routes()) {
    std::string method(name_of(r.method));
    for (auto& c : method) c = static_cast<char>(c - 'A' + 'a');
    const std::string pattern(r.pattern);
    const auto at = pattern.find("{kind}");
    if (at == std::string::npos) {
      out.insert(method + " " + pattern);
      continue;
    }
    for (const char* kind : {"users", "sessions"}) out.insert(method + " " + std::string(pattern).replace(at, 6, kind));
  }
  return out;
}

TEST(OpenApi, DocumentsExactlyTheRoutesOfTheTable) {
  const auto document = boost::json::parse(openapi_asset("/openapi.json").value().bytes);
  std::set<std::string> documented;
  for (const auto& [path, item] : document.at("paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      if (method != "parameters") documented.insert(std::string(method) + " " + std::string(path));
    }
  }
  EXPECT_EQ(documented, routes_as_documented());
}

TEST(OpenApi, DocumentsTheParametersOfTheTable) {
  const auto document = boost::json::parse(openapi_asset("/openapi.json").value().bytes);
  for (const auto& r : routes()) {
    std::string path(r.pattern);
    if (const auto at = path.find("{kind}"); at != std::string::npos) path.replace(at, 6, "users");
    std::string method(name_of(r.method));
    for (auto& c : method) c = static_cast<char>(c - 'A' + 'a');
    const auto& operation = document.at("paths").at(path).at(method).as_object();
    std::set<std::string> documented, taken;
    if (const auto* all = operation.if_contains("parameters")) {
      for (const auto& p : all->as_array()) {
        if (p.at("in").as_string() == "query") documented.insert(std::string(p.at("name").as_string()));
      }
    }
    for (const char* name : {"tools", "wait", "timeout", "cursor", "limit"}) {
      if (takes_parameter(r, name)) taken.insert(name);
    }
    EXPECT_EQ(documented, taken) << r.pattern;
    EXPECT_EQ(operation.contains("requestBody"), r.takes_body) << r.pattern;
  }
}

}  // namespace
}  // namespace mcpstate::service
