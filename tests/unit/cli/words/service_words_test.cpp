// SPDX-License-Identifier: MIT
// Which service tokens there are, and whose word counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "cli/commands/commands.hh"
#include "cli/commands/serve_options.hh"
#include "support/temp_dir.hh"

namespace mcpstate::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* in_file = "token-of-the-flag-012345";
constexpr const char* in_variable = "token-of-the-variable-01";
constexpr const char* in_other_file = "token-of-the-other-file-";

environment around(std::map<std::string, std::string> variables) {
  environment out;
  out.variable = [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    if (at == variables.end()) return std::nullopt;
    return at->second;
  };
  return out;
}

bool knows(const token_choice& choice, const char* token) {
  return choice.keys.verify(token, wall_clock().now()).has_value();
}

class ServiceTokens : public ::testing::Test {
 protected:
  ServiceTokens() {
    std::ofstream(flag_) << in_file << "\n";
    std::ofstream(other_) << in_other_file << "\n";
  }
  test::temp_dir dir_;
  std::string flag_ = dir_.file("flag"), other_ = dir_.file("other");
};

TEST_F(ServiceTokens, PreferTheFlagThenTheVariableThenItsFile) {
  const auto both = around({{"MCPSTATE_TOKEN", in_variable}, {"MCPSTATE_TOKEN_FILE", other_}});
  const auto flag = choose_tokens(flag_, both);
  ASSERT_TRUE(flag);
  EXPECT_TRUE(knows(*flag, in_file));
  EXPECT_FALSE(knows(*flag, in_variable));
  EXPECT_EQ(flag->path, flag_);
  const auto variable = choose_tokens("", both);
  ASSERT_TRUE(variable);
  EXPECT_TRUE(knows(*variable, in_variable));
  EXPECT_FALSE(knows(*variable, in_other_file));
  EXPECT_EQ(variable->path, "");
  const auto file = choose_tokens("", around({{"MCPSTATE_TOKEN", ""}, {"MCPSTATE_TOKEN_FILE", other_}}));
  ASSERT_TRUE(file);
  EXPECT_TRUE(knows(*file, in_other_file));
  EXPECT_EQ(file->path, other_);
  const auto none = choose_tokens("", around({}));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->keys.empty());
}

TEST_F(ServiceTokens, NameBadTokensWithoutShowingThem) {
  const auto variable = choose_tokens("", around({{"MCPSTATE_TOKEN", "hush"}}));
  ASSERT_FALSE(variable);
  EXPECT_THAT(variable.error().full_text(), HasSubstr("MCPSTATE_TOKEN: the token in line 1 is too short"));
  EXPECT_THAT(variable.error().full_text(), Not(HasSubstr("hush")));
  // A file that was named and is not there never means "no token".
  EXPECT_THAT(choose_tokens(dir_.file("none"), around({})).error().full_text(), HasSubstr("cannot be read"));
  EXPECT_FALSE(choose_tokens("", around({{"MCPSTATE_TOKEN_FILE", dir_.file("none")}})));
  std::ofstream(flag_) << "# nothing yet\n";
  EXPECT_THAT(choose_tokens(flag_, around({})).error().full_text(), HasSubstr("there is no token"));
}

TEST_F(ServiceTokens, MintTokensForAnOwnerAndATime) {
  arguments args;
  args.command = "token";
  args.serve.token_file = flag_;
  args.owner = "user:1";
  EXPECT_TRUE(make_command(args));
  for (const char* ttl : {"0s", "500ms", "soon", "1"}) {
    args.token_ttl = ttl;
    EXPECT_EQ(make_command(args).error().code(), errc::bad_argument) << ttl;
  }
  args.token_ttl = "1s";
  EXPECT_TRUE(make_command(args));
  args.owner = "42";
  EXPECT_EQ(make_command(args).error().code(), errc::bad_owner);
}

}  // namespace
}  // namespace mcpstate::cli
