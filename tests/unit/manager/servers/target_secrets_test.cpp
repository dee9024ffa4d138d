// SPDX-License-Identifier: MIT
#include "manager/servers/target_secrets.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mcpstate/manager/registry.hpp>

namespace mcpstate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

registered_server only(const std::string& entry) {
  const auto variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "TOKEN") return "s3cret-of-env";
    if (name == "HOST") return "api.example";
    return std::nullopt;
  };
  return *server_registry::parse(R"({"mcpServers":{"one":)" + entry + "}}", variable).value().find("one");
}

TEST(TargetSecrets, AreFoundInAProgram) {
  const auto got =
      only(R"({"command":"${HOST}","cwd":"/${HOST}","args":["-y","--db=${TOKEN}","--api-key=k3yk3y","--token",)"
           R"("t0k3","plain-argument"],"env":{"A":"first-line\nsecond-line","PASSWORD":"p4ss","LEVEL":"info"}})");
  EXPECT_THAT(*got.secrets, UnorderedElementsAre("s3cret-of-env", "k3yk3y", "t0k3", "first-line", "second-line", "p4ss"));
  EXPECT_EQ(got.secrets->front().size(), 13U);  // longest first
}

TEST(TargetSecrets, AreFoundInAUrlAndHeaders) {
  const auto got = only(R"({"url":"https://${HOST}/mcp?a=v4lue1&key=${TOKEN}&n=1#f",)"
                        R"("headers":{"Authorization":"Bearer b34rer","X-Plan":"premium"}})");
  EXPECT_THAT(*got.secrets, UnorderedElementsAre("v4lue1", "s3cret-of-env", "Bearer b34rer", "b34rer",
                                                 "premium"));  // HOST is shown anyway
  EXPECT_THAT(*only(R"({"url":"http://h/"})").secrets, ElementsAre());
}

TEST(TargetSecrets, AreHiddenInErrors) {
  const auto known = only(R"({"command":"x","env":{"KEY":"s3cret-in-env"}})").secrets;
  const error why(errc::child_exited, "'x' ended", "key s3cret-in-env, Bearer s3cret, at https://u:s3cret@h/p?k=s3cret: no");
  const error shown = without_secrets(why, known);
  EXPECT_EQ(shown.code(), errc::child_exited);
  EXPECT_EQ(shown.detail(), "'x' ended");
  EXPECT_EQ(shown.peer_text(), "key [hidden], Bearer [hidden], at https://[hidden]@h/p?[hidden] no");
  const error unknown = without_secrets(why, nullptr);
  EXPECT_THAT(unknown.peer_text(), HasSubstr("s3cret-in-env"));
  EXPECT_THAT(unknown.peer_text(), Not(HasSubstr("Bearer s3cret")));
}

TEST(TargetSecrets, AreFoundInBasicCredentialsCookiesAndABareQuery) {
  const auto got = only(R"({"url":"https://h/mcp?wholeQueryIsAKey","headers":{"Authorization":"Basic dXNlcjpwNHNzdzByZA==",)"
                        R"("Cookie":"sid=c00kie1; theme=d; t=c00kie2"}})");
  for (const char* const each : {"user:p4ssw0rd", "p4ssw0rd", "dXNlcjpwNHNzdzByZA==", "c00kie1", "c00kie2", "wholeQueryIsAKey"}) {
    EXPECT_THAT(*got.secrets, testing::Contains(each));
  }
  EXPECT_THAT(*only(R"({"url":"http://h/","headers":{"Authorization":"Basic !"}})").secrets, ElementsAre("Basic !"));
}

TEST(TargetSecrets, AreHiddenInOtherSpellingsInErrors) {
  const auto known = only(R"({"url":"http://h/?api_key=QUERYs3cret%2Fabc%2Bdef%3D%3Dend","headers":{"X-Key":"va&l\"ue<1"}})").secrets;
  const error why(errc::rpc_error, "refused", "{'api_key': ['QUERYs3cret/abc+def==end']}, va&amp;l&quot;ue&lt;1, va%26l%22ue%3c1");
  EXPECT_EQ(without_secrets(why, known).peer_text(), "{'api_key': ['[hidden]']}, [hidden], [hidden]");
}

TEST(TargetSecrets, MakeNoErrorLong) {
  const error why(errc::rpc_error, "refused", std::string(6'000'000, 'x'));
  EXPECT_LT(without_secrets(why, nullptr).peer_text().size(), 10'000U);
}

TEST(TargetSecrets, AreHiddenInWhatARecordSaysOfTheServer) {
  const auto known = only(R"({"command":"x","env":{"KEY":"s3cret/in-env"}})").secrets;
  mcp::server_facts facts;
  facts.title = "runs with s3cret/in-env";
  facts.version = "1-s3cret%2Fin-env";
  facts.capabilities = R"({"experimental":{"s3cret\/in-env":{}}})";
  const auto shown = without_secrets(facts, known);
  EXPECT_EQ(shown.title, "runs with [hidden]");
  EXPECT_EQ(shown.version, "1-[hidden]");
  EXPECT_EQ(shown.capabilities, "");
  facts.capabilities = R"({"tools":{}})";
  EXPECT_EQ(without_secrets(facts, known).capabilities, facts.capabilities);
}

}  // namespace
}  // namespace mcpstate
