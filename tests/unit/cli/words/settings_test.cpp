// SPDX-License-Identifier: MIT
#include "cli/words/settings.hh"

#include <gtest/gtest.h>

#include <map>

#include "cli/words/dotenv.hh"
#include "core/duration.hh"

namespace mcpstate::cli {
namespace {

using namespace std::chrono_literals;
using variables = std::map<std::string, std::string>;

environment around(variables env, std::string dotenv = {}) {
  environment out;
  out.variable = [env = std::move(env)](const std::string& name) -> std::optional<std::string> {
    const auto found = env.find(name);
    if (found == env.end()) return std::nullopt;
    return found->second;
  };
  out.dotenv = [text = std::move(dotenv)] { return result<std::string>(text); };
  return out;
}

TEST(Duration, ReadsNumbersWithUnitsAndTheirSums) {
  EXPECT_EQ(parse_duration("24h", "x").value(), 24h);
  EXPECT_EQ(parse_duration("90m", "x").value(), 90min);
  EXPECT_EQ(parse_duration("30s", "x").value(), 30s);
  EXPECT_EQ(parse_duration("500ms", "x").value(), 500ms);
  EXPECT_EQ(parse_duration("7d", "x").value(), 24h * 7);
  EXPECT_EQ(parse_duration("1h30m", "x").value(), 90min);
}

TEST(Duration, RefusesEverythingElseAndNamesTheOption) {
  for (const char* wrong : {"", "5", "h", "-5s", "5 s", "5s ", "1.5h", "99999999999999h", "4000d", "0s", "5x", "\x1b[2J"}) {
    const auto got = parse_duration(wrong, "--ttl");
    ASSERT_FALSE(got) << wrong;
    EXPECT_TRUE(got.error().is(cond::invalid));
    EXPECT_EQ(got.error().detail().rfind("--ttl '", 0), 0U) << got.error().detail();
    EXPECT_EQ(got.error().detail().find('\x1b'), std::string::npos);
  }
}

TEST(Dotenv, ReadsCommonSpellings) {
  const auto got = parse_dotenv(
      "\xEF\xBB\xBF# a comment\n"
      "\n"
      "PLAIN=redis://a:1/0\r\n"
      "export EXPORTED = spaced value  # and a comment\n"
      "HASH=a#b\n"
      "SINGLE='as $it \\n is' # comment\n"
      "DOUBLE=\"line\\nnext \\\"q\\\" \\$HOME \\x\"\n"
      "MANY='first\nsecond'\n"
      "EMPTY=\n"
      "exporter=1\n"
      "not a line\n"
      "9BAD=1\n"
      "PLAIN=redis://b:2/1");
  const variables expected{{"PLAIN", "redis://b:2/1"},
                           {"EXPORTED", "spaced value"},
                           {"HASH", "a#b"},
                           {"SINGLE", "as $it \\n is"},
                           {"DOUBLE", "line\nnext \"q\" $HOME \\x"},
                           {"MANY", "first\nsecond"},
                           {"EMPTY", ""},
                           {"exporter", "1"}};
  EXPECT_EQ(got, expected);
}

TEST(Dotenv, SkipsAnUnterminatedQuote) {
  const variables expected{{"B", "2"}};
  EXPECT_EQ(parse_dotenv("A='never\nB=2\n"), expected);
  EXPECT_TRUE(parse_dotenv("").empty());
  EXPECT_TRUE(parse_dotenv("A").empty());
}

TEST(Settings, StripBlanksAndLineEndsAroundAStoreUrl) {
  global_flags none, flagged;
  flagged.store = " redis://flag:1/0\r\n";
  EXPECT_EQ(choose_settings(flagged, around({})).value().url, "redis://flag:1/0");
  EXPECT_EQ(choose_settings(none, around({{"REDIS_URL", "\t redis://env:1/0 \n"}})).value().url, "redis://env:1/0");
  EXPECT_EQ(choose_settings(none, around({}, "REDIS_URL=' redis://file:1/0\n'\n")).value().url, "redis://file:1/0");
  EXPECT_EQ(choose_settings(none, around({{"REDIS_URL", " \n"}}, "REDIS_URL=redis://file:1/0\n")).value().url,
            "redis://file:1/0");
  flagged.store = " ";
  EXPECT_FALSE(choose_settings(flagged, around({})));
}

TEST(Settings, PreferFlagThenEnvironmentThenFile) {
  global_flags flags;
  const auto from_file = choose_settings(flags, around({}, "REDIS_URL=redis://file/1\n"));
  ASSERT_TRUE(from_file);
  EXPECT_EQ(from_file->url, "redis://file/1");
  EXPECT_EQ(from_file->origin, url_origin::dotenv);
  const auto from_env = choose_settings(flags, around({{"REDIS_URL", "redis://env/2"}}, "REDIS_URL=redis://file/1\n"));
  ASSERT_TRUE(from_env);
  EXPECT_EQ(from_env->url, "redis://env/2");
  flags.store = "memory:";
  const auto from_flag = choose_settings(flags, around({{"REDIS_URL", "redis://env/2"}}));
  ASSERT_TRUE(from_flag);
  EXPECT_EQ(from_flag->url, "memory:");
  EXPECT_EQ(from_flag->origin, url_origin::flag);
}

TEST(Settings, IgnoreEmptyVariablesAndDefaultToTheEmbeddedStore) {
  const auto got = choose_settings(global_flags(), around({{"REDIS_URL", ""}, {"MCPSTATE_TTL", ""}}));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->url, "sqlite:");
  EXPECT_EQ(got->origin, url_origin::none);
  EXPECT_EQ(got->options.ttl, 24h);
}

TEST(Settings, ReadTimesAndKeyOptions) {
  global_flags flags;
  flags.timeout = "250ms";
  flags.prefix = "app:mcp";
  flags.layout = "tagged";
  const auto got = choose_settings(flags, around({{"MCPSTATE_TTL", "90m"}}));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->options.ttl, 90min);
  EXPECT_EQ(got->options.timeout, 250ms);
  EXPECT_EQ(got->options.prefix, "app:mcp");
  EXPECT_EQ(got->options.layout, key_layout::tagged);
}

TEST(Settings, RefuseATimeoutOverADay) {
  global_flags flags;
  for (const char* longer : {"25h", "30d", "3000000s"}) {
    flags.timeout = longer;
    const auto got = choose_settings(flags, around({}));
    ASSERT_FALSE(got) << longer;
    EXPECT_EQ(got.error().detail(), "--timeout is too long: at most 1d");
  }
  flags.timeout = "24h";
  EXPECT_TRUE(choose_settings(flags, around({})));
}

// A file that is there: what it holds is none of the settings' business.
constexpr const char* any_file = "/proc/self/cmdline";

TEST(Settings, TakeThePasswordOfAFileUnlessTheUrlHasOne) {
  global_flags flags;
  const auto from_env = choose_settings(flags, around({{"REDIS_URL", "redis://me@h"}, {"REDIS_PASSWORD_FILE", any_file}}));
  ASSERT_TRUE(from_env) << from_env.error().detail();
  EXPECT_EQ(from_env->options.password_file, any_file);
  const auto from_file = choose_settings(flags, around({}, std::string("REDIS_PASSWORD_FILE=") + any_file + "\n"));
  EXPECT_EQ(from_file->options.password_file, any_file);
  const auto in_url = choose_settings(flags, around({{"REDIS_URL", "redis://:pw@h"}, {"REDIS_PASSWORD_FILE", "/nowhere"}}));
  ASSERT_TRUE(in_url);
  EXPECT_EQ(in_url->options.password_file, "") << "the URL is nearer than the environment";
  flags.password_file = any_file;
  const auto both = choose_settings(flags, around({{"REDIS_URL", "redis://:hunter2@h"}}));
  ASSERT_FALSE(both);
  EXPECT_NE(both.error().detail().find("leave one out"), std::string::npos) << both.error().detail();
  EXPECT_EQ(both.error().detail().find("hunter2"), std::string::npos);
}

TEST(Settings, NameAFileThatIsMissing) {
  const auto password = choose_settings(global_flags(), around({{"REDIS_PASSWORD_FILE", "/nowhere/pw"}}));
  ASSERT_FALSE(password);
  EXPECT_EQ(password.error().detail(), "REDIS_PASSWORD_FILE /nowhere/pw cannot be read: No such file or directory");
  EXPECT_TRUE(password.error().is(cond::invalid));
  global_flags flags;
  flags.cert_file = "/nowhere/cert";
  const auto certificate = choose_settings(flags, around({}));
  ASSERT_FALSE(certificate);
  EXPECT_EQ(certificate.error().detail(), "--cert-file /nowhere/cert cannot be read: No such file or directory");
  flags.cert_file.clear();
  flags.key_file = any_file;
  const auto lone_key = choose_settings(flags, around({}));
  ASSERT_FALSE(lone_key);
  EXPECT_NE(lone_key.error().detail().find("--cert-file"), std::string::npos) << lone_key.error().detail();
}

TEST(Settings, NameTheSourceOfABadValueWithoutSecrets) {
  const auto url = choose_settings(global_flags(), around({}, "REDIS_URL=http://joe:hunter2@host/"));
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().detail().rfind("REDIS_URL in .env: ", 0), 0U) << url.error().detail();
  EXPECT_EQ(url.error().detail().find("hunter2"), std::string::npos) << url.error().detail();
  const auto ttl = choose_settings(global_flags(), around({{"MCPSTATE_TTL", "ten"}}));
  ASSERT_FALSE(ttl);
  EXPECT_EQ(ttl.error().detail().rfind("MCPSTATE_TTL 'ten'", 0), 0U) << ttl.error().detail();
  global_flags flags;
  flags.ttl = "10ms";
  EXPECT_FALSE(choose_settings(flags, around({})));
  flags.ttl = "1h";
  flags.prefix = "a b";
  EXPECT_FALSE(choose_settings(flags, around({})));
}

}  // namespace
}  // namespace mcpstate::cli
