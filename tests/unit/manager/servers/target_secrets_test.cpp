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

}  // namespace
}  // namespace mcpstate
