// SPDX-License-Identifier: MIT
#include "http/www_authenticate.hh"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mcpstate::http {
namespace {

using values = std::vector<std::string>;

// scheme(token68)[name=value;…] of each challenge.
std::string show(const values& in) {
  std::string out;
  for (const auth_challenge& each : parse_www_authenticate(in)) {
    out += out.empty() ? "" : " ";
    out += each.scheme + (each.token68.empty() ? "" : "(" + each.token68 + ")") + "[";
    for (const auto& [name, value] : each.parameters) out += name + "=" + value + ";";
    out += "]";
  }
  return out;
}

TEST(WwwAuthenticate, ParsesChallenges) {
  const struct {
    values in;
    const char* out;
  } table[] = {
      {{}, ""},
      {{""}, ""},
      {{" , ,"}, ""},
      {{"Bearer"}, "bearer[]"},
      {{"  Bearer  "}, "bearer[]"},
      {{"BEARER REALM=\"A\""}, "bearer[realm=A;]"},
      {{"Bearer realm=\"a\", scope=\"x y\", error=invalid_token"}, "bearer[realm=a;scope=x y;error=invalid_token;]"},
      {{"Bearer realm = \"a\" ,\tscope\t=\tb"}, "bearer[realm=a;scope=b;]"},
      {{"Bearer  \t realm=a"}, "bearer[realm=a;]"},
      // Commas and quotes inside of quotes.
      {{R"(Bearer realm="a, Basic b=c", x="say \"hi\", \\ and \y")"}, R"(bearer[realm=a, Basic b=c;x=say "hi", \ and y;])"},
      {{"Bearer realm=\"\""}, "bearer[realm=;]"},
      // Several challenges in one value, in several values, and both.
      {{"Basic realm=\"a\", Bearer scope=\"b\", error=\"c\", Digest"}, "basic[realm=a;] bearer[scope=b;error=c;] digest[]"},
      {{"Basic, Bearer"}, "basic[] bearer[]"},
      {{"Basic realm=a", "Bearer scope=b"}, "basic[realm=a;] bearer[scope=b;]"},
      {{"Basic realm=a, DPoP algs=\"ES256 RS256\"", "Bearer scope=b"},
       "basic[realm=a;] dpop[algs=ES256 RS256;] bearer[scope=b;]"},
      {{"Bearer a=1", "Bearer b=2"}, "bearer[a=1;] bearer[b=2;]"},
      // The example of RFC 9110, 11.6.1.
      {{R"(Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"")"},
       R"(basic[realm=simple;] newauth[realm=apps;type=1;title=Login to "apps";])"},
      // token68.
      {{"Negotiate a87421000492aa874209af8bc028"}, "negotiate(a87421000492aa874209af8bc028)[]"},
      {{"Negotiate YII+/._~-Q=="}, "negotiate(YII+/._~-Q==)[]"},
      {{"Negotiate YQ== , Bearer realm=a"}, "negotiate(YQ==)[] bearer[realm=a;]"},
      {{"NTLM, Negotiate YQ=, Bearer"}, "ntlm[] negotiate(YQ=)[] bearer[]"},
      // As servers write it.
      {{"Bearer error=\"a\" scope=\"b\""}, "bearer[error=a;scope=b;]"},
      {{"Bearer resource_metadata=https://h:1/.well-known/x?y=1, scope=a"},
       "bearer[resource_metadata=https://h:1/.well-known/x?y=1;scope=a;]"},
      {{"Bearer,realm=a"}, "bearer[realm=a;]"},
      {{"Bearer realm=\"a\",,, scope=b,"}, "bearer[realm=a;scope=b;]"},
      {{"Bearer realm=\"a\"Basic x=\"y\""}, "bearer[realm=a;] basic[x=y;]"},
      // A parameter that comes again, or without a scheme; also when a value before had one.
      {{"Bearer a=1, A=2, b=3"}, "bearer[a=1;b=3;]"},
      {{"a=1, Bearer b=2"}, "bearer[b=2;]"},
      {{"Bearer a=1", "b=2"}, "bearer[a=1;]"},
      // Broken.
      {{"Bearer a=\"1"}, "bearer[]"},
      {{"Bearer a=1, b=\"2, Basic c=3"}, "bearer[a=1;]"},
      {{"Bearer a=\"1\\"}, "bearer[]"},
      {{"Bearer a=\"1\\\""}, "bearer[]"},
      {{"Bearer a=, b=1"}, "bearer(a=)[b=1;]"},
      {{"Bearer a= b"}, "bearer[a=b;]"},
      {{"\"Bearer\" a=1"}, ""},
      {{"\"Bearer a=1, b=2\", Basic c=3"}, "basic[c=3;]"},
      {{"=, ;; @ Bearer a=1"}, "bearer[a=1;]"},
      {{"Bearer \xC3\xA9=1, a=\"\xC3\xA9\""}, "bearer[a=\xC3\xA9;]"},
      {{"Bearer a=1, Bas\"ic b=2\" c=3"}, "bearer[a=1;c=3;]"},
      {{std::string("Bea\0rer a=1, Basic b=2", 22)}, "basic[b=2;]"},
  };
  for (const auto& row : table) EXPECT_EQ(show(row.in), row.out) << (row.in.empty() ? "" : row.in.front());
}

TEST(WwwAuthenticate, BoundsChallengesAndParameters) {
  EXPECT_EQ(parse_www_authenticate(values(100, "Bearer")).size(), 16U);
  EXPECT_EQ(show({"A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P x=1, Q y=2, z=3"}),
            "a[] b[] c[] d[] e[] f[] g[] h[] i[] j[] k[] l[] m[] n[] o[] p[x=1;]");
  std::string many = "Bearer x=0";
  for (int i = 0; i < 100; ++i) many += ", p" + std::to_string(i) + "=1";
  EXPECT_EQ(parse_www_authenticate(values{many}).at(0).parameters.size(), 32U);
  // All values together.
  const values large = {"Bearer a=" + std::string(16000, 'x'), "Basic b=\"" + std::string(1000, 'y') + "\", c=1"};
  const auto read = parse_www_authenticate(large);
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].find("a")->size(), 16000U);
  EXPECT_TRUE(read[1].parameters.empty());
  for (const std::string& unit :
       {std::string("a "), std::string("a=\"\\"), std::string("="), std::string(" "), std::string("a=")}) {
    std::string hostile;
    while (hostile.size() < 1'000'000) hostile += unit;
    EXPECT_LE(parse_www_authenticate(values{hostile}).size(), 16U);
  }
}

TEST(WwwAuthenticate, FindsTheBearerChallenge) {
  const auto bearer_of = [](const values& in) { return find_bearer(parse_www_authenticate(in)); };
  EXPECT_FALSE(bearer_of({}).has_value());
  EXPECT_FALSE(bearer_of({"Basic realm=a, resource_metadata=b"}).has_value());

  const auto empty = bearer_of({"Basic realm=x", "bearer"});
  ASSERT_TRUE(empty.has_value());
  EXPECT_FALSE(empty->resource_metadata || empty->scope || empty->error || empty->error_description);

  const auto full = bearer_of({R"(Bearer error="insufficient_scope", error_description="needs \"write\", sorry",)"
                               R"( scope="a b", resource_metadata="https://h/.well-known/oauth-protected-resource/mcp")"});
  ASSERT_TRUE(full.has_value());
  EXPECT_EQ(full->error, "insufficient_scope");
  EXPECT_EQ(full->error_description, "needs \"write\", sorry");
  EXPECT_EQ(full->scope, "a b");
  EXPECT_EQ(full->resource_metadata, "https://h/.well-known/oauth-protected-resource/mcp");

  EXPECT_EQ(bearer_of({"Bearer scope=\"\""})->scope, "");
  // The one that says where to go on.
  EXPECT_EQ(
      bearer_of({"Bearer scope=a", "Bearer scope=b, resource_metadata=c", "Bearer scope=d, resource_metadata=e"})->scope,
      "b");
  EXPECT_EQ(bearer_of({"Bearer scope=a", "Bearer scope=b"})->scope, "a");
}

}  // namespace
}  // namespace mcpstate::http
