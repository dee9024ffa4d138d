// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "cli/commands/commands.hh"
#include "cli/view/tools_view.hh"
#include "cli/words/completion.hh"
#include "cli/words/input.hh"
#include "cli/words/parse.hh"

namespace mcpstate::cli {
namespace {

using outcome = parsed_line::outcome;
using words = std::vector<std::string>;

TEST(HeaderOption, SplitsNameAndValue) {
  const auto got = parse_header("Authorization:  Bearer a:b ");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->first, "Authorization");
  EXPECT_EQ(got->second, "Bearer a:b");
  EXPECT_EQ(parse_header("X-Empty:").value().second, "");
}

TEST(HeaderOption, RefusesUnsendableHeadersWithoutShowingThem) {
  for (const char* wrong : {"", "secret", ": secret", "a b: secret", "a: secret\r\nEvil: 1", "a: secret\x01"}) {
    const auto got = parse_header(wrong);
    ASSERT_FALSE(got) << wrong;
    EXPECT_EQ(got.error().detail().find("secret"), std::string::npos) << got.error().detail();
  }
}

TEST(VariableOption, SplitsNameAndValue) {
  EXPECT_EQ(parse_variable("A_1=x=y").value().second, "x=y");
  EXPECT_EQ(parse_variable("A=").value().second, "");
  for (const char* wrong : {"", "secret", "=secret", "1A=secret", "A B=secret"})
    EXPECT_FALSE(parse_variable(wrong)) << wrong;
}

TEST(CommandLine, AcceptsGlobalOptionsOnBothSidesOfTheCommand) {
  for (const auto& line :
       {words{"--store", "memory:", "list", "user:1", "--json"}, words{"list", "--url=memory:", "--json", "user:1"}}) {
    const auto got = parse_command_line(line);
    ASSERT_EQ(got.what, outcome::run) << got.text;
    EXPECT_EQ(got.args.command, "list");
    EXPECT_EQ(got.args.global.store, "memory:");
    EXPECT_EQ(got.args.owner, "user:1");
    EXPECT_TRUE(got.args.global.json);
  }
}

TEST(CommandLine, PassesArgumentsAfterDashesToTheServer) {
  const auto got = parse_command_line(
      {"connect", "user:1", "fs", "--env", "A=1", "--env", "B=[2,3]", "--", "node", "--json", "--", "-x"});
  ASSERT_EQ(got.what, outcome::run) << got.text;
  EXPECT_EQ(got.args.program, (words{"node", "--json", "--", "-x"}));
  EXPECT_EQ(got.args.env, (words{"A=1", "B=[2,3]"}));
  EXPECT_FALSE(got.args.global.json);
  EXPECT_FALSE(got.args.url);
}

TEST(CommandLine, TakesAProgramWhereverACommandReachesServers) {
  const words program = {"node", "--json"};
  for (const auto& line :
       {words{"probe", "--json"}, words{"call", "user:1", "fs", "read", "{}"}, words{"tools", "user:1", "fs", "--refresh"},
        words{"--store", "memory:", "connect", "user:1", "tools"}}) {
    words all = line;
    all.emplace_back("--");
    all.insert(all.end(), program.begin(), program.end());
    const auto got = parse_command_line(all);
    ASSERT_EQ(got.what, outcome::run) << got.text;
    EXPECT_EQ(got.args.program, program) << line.front();
  }
  const auto stored = parse_command_line({"tools", "--", "user:1", "-odd"});
  ASSERT_EQ(stored.what, outcome::run) << stored.text;
  EXPECT_EQ(stored.args.server, "-odd");
}

TEST(CommandLine, ReadsTheToolOfACall) {
  const auto got = parse_command_line({"call", "user:1", "fs", "read", "-", "--protocol", "LEGACY"});
  ASSERT_EQ(got.what, outcome::run) << got.text;
  EXPECT_EQ(got.args.tool, "read");
  EXPECT_EQ(got.args.tool_input, "-");
  EXPECT_EQ(got.args.protocol, "legacy");
  EXPECT_EQ(parse_command_line({"call", "user:1", "fs"}).what, outcome::wrong);
}

TEST(CommandLine, EndsOptionsAtDashes) {
  const auto got = parse_command_line({"show", "--", "user:1", "-odd"});
  ASSERT_EQ(got.what, outcome::run) << got.text;
  EXPECT_EQ(got.args.server, "-odd");
}

TEST(CommandLine, LetsTheLastOfTwoOptionsWin) {
  const auto got = parse_command_line({"--ttl", "1h", "connect", "user:1", "a", "http://x/", "--ttl", "2h", "--ttl=3h",
                                       "--header", "A: 1", "--header", "B: 2", "--json", "--json"});
  ASSERT_EQ(got.what, outcome::run) << got.text;
  EXPECT_EQ(got.args.global.ttl, "3h");
  EXPECT_EQ(got.args.headers.size(), 2U);
  EXPECT_TRUE(got.args.global.json);
}

TEST(CommandLine, ReadsChoicesInAnyCase) {
  const auto got = parse_command_line({"set", "user:1", "a", "failed", "--layout", "Tagged"});
  ASSERT_EQ(got.what, outcome::run) << got.text;
  EXPECT_EQ(got.args.status, "FAILED");
  EXPECT_EQ(got.args.global.layout, "tagged");
}

TEST(CommandLine, AcceptsAnEmptyArgument) {
  const auto got = parse_command_line({"show", "user:1", ""});
  ASSERT_EQ(got.what, outcome::run) << got.text;
  ASSERT_TRUE(got.args.server);
  EXPECT_EQ(*got.args.server, "");
}

TEST(CommandLine, ReportsWrongUsageInOneLineThatNamesTheHelp) {
  for (const auto& line :
       {words{}, words{"lst"}, words{"--nope"}, words{"list", "--nope"}, words{"list", "a", "b"}, words{"show", "user:1"},
        words{"set", "user:1", "a", "UP"}, words{"set", "user:1", "a", "FAILED", "--if-revision", "x"},
        words{"--layout", "round", "list"}, words{"completion", "fish"}, words{"watch", "--count", "-1"},
        words{"set", "user:1", "a", "FAILED", "--if-revision", "-1"}}) {
    const auto got = parse_command_line(line);
    EXPECT_EQ(got.what, outcome::wrong);
    EXPECT_NE(got.text.find("--help)"), std::string::npos) << got.text;
    EXPECT_EQ(got.text.find('\n'), std::string::npos) << got.text;
  }
  EXPECT_NE(parse_command_line({"lst"}).text.find("did you mean 'list'?"), std::string::npos);
}

TEST(CommandLine, HasHelpWithExamplesAndJsonForEveryCommand) {
  for (const char* name :
       {"list", "show", "tools", "watch", "connect", "disconnect", "set", "touch", "claim", "clear", "stats", "doctor"}) {
    const auto got = parse_command_line({name, "--help"});
    EXPECT_EQ(got.what, outcome::help) << name;
    for (const char* part : {"Examples:\n  mcpstate ", "--json", "--store", "Usage: mcpstate "}) {
      EXPECT_NE(got.text.find(part), std::string::npos) << name << ": " << got.text;
    }
  }
}

TEST(ToolsView, ShowsNamesAndFirstLines) {
  const auto got = parse_tool_lines(R"([{"name":"a","description":"  first\nsecond"},{"name":"b","title":"B"},{"x":1},7])");
  ASSERT_TRUE(got);
  ASSERT_EQ(got->size(), 4U);
  EXPECT_EQ((*got)[0].description, "first");
  EXPECT_EQ((*got)[1].description, "B");
  EXPECT_EQ((*got)[2].name, "?");
  EXPECT_FALSE(parse_tool_lines("{}"));
}

TEST(CommandLine, ReadsTheCommandsForTokensAndServers) {
  const auto token = parse_command_line({"token", "user:1", "--ttl", "15m", "--token-file", "t", "--json"});
  ASSERT_EQ(token.what, outcome::run) << token.text;
  EXPECT_EQ(token.args.command, "token");
  EXPECT_EQ(token.args.owner, "user:1");
  EXPECT_EQ(token.args.token_ttl, "15m");
  EXPECT_EQ(token.args.serve.token_file, "t");
  EXPECT_TRUE(token.args.global.ttl.empty()) << "that of records is another one";
  const auto servers = parse_command_line({"servers", "--servers", "s.json"});
  ASSERT_EQ(servers.what, outcome::run) << servers.text;
  EXPECT_EQ(servers.args.serve.servers_file, "s.json");
  for (const auto& wrong : {words{"token"}, words{"token", "user:1", "user:2"}, words{"servers", "x"}}) {
    EXPECT_EQ(parse_command_line(wrong).what, outcome::wrong);
  }
  for (const char* command : {"token", "servers"}) EXPECT_FALSE(uses_store(command));
  const auto script = completion_script("bash");
  EXPECT_NE(script.find("'token --token-file') COMPREPLY=($(compgen -f"), std::string::npos) << script;
  EXPECT_NE(script.find("'servers --servers') COMPREPLY=($(compgen -f"), std::string::npos);
}

}  // namespace
}  // namespace mcpstate::cli
