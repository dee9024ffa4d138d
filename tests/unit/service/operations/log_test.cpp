// SPDX-License-Identifier: MIT
#include "service/operations/log.hh"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <sstream>

#include "core/text/secrets.hh"
#include "support/seed.hh"

namespace mcpstate::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr timestamp at{std::chrono::microseconds(1'795'357'859'553'780)};
constexpr const char* shown_at = "2026-11-22T14:30:59.553780+00:00";

std::string text(std::string_view what, log_fields fields = {}) {
  return log_line(log_style::text, at, log_level::info, what, fields).substr(39);
}
boost::json::object json(std::string_view what, log_fields fields = {}) {
  return boost::json::parse(log_line(log_style::json, at, log_level::warn, what, fields)).as_object();
}

TEST(LogLine, IsReadableAsText) {
  EXPECT_EQ(log_line(log_style::text, at, log_level::info, "listening", {{"address", "127.0.0.1:8080"}, {"tokens", true}}),
            std::string(shown_at) + " info  listening address=127.0.0.1:8080 tokens=true");
  EXPECT_EQ(log_line(log_style::text, at, log_level::error, "it broke", {}), std::string(shown_at) + " error it broke");
}

TEST(LogLine, IsAnObjectInJson) {
  EXPECT_EQ(
      log_line(log_style::json, at, log_level::warn, "slow", {{"n", 3}, {"took", 0.25}, {"path", "/v1 x"}, {"big", ~0ULL}}),
      std::string(R"({"time":")") + shown_at +
          R"(","level":"warn","message":"slow","n":3,"took":0.25,"path":"/v1 x","big":18446744073709551615})");
  EXPECT_TRUE(json("x", {{"nan", std::numeric_limits<double>::quiet_NaN()}}).at("nan").is_null());
}

TEST(LogLine, QuotesAmbiguousValues) {
  EXPECT_EQ(text("m", {{"a", ""}, {"b", "x y"}, {"c", "x=y"}, {"d", "\"q\""}, {"e", "ü"}, {"f", "a\\b"}}),
            R"(m a="" b="x y" c="x=y" d="\"q\"" e=ü f="a\\b")");
}

TEST(LogLine, EscapesForgedLinesAndTerminalControls) {
  const std::string evil = "a\r\nfake info\x1b[2J\x7f \xc2\x9b \xe2\x80\xae \xe2\x80\xa8 \xff \xc0\x80";
  for (const auto style : {log_style::text, log_style::json}) {
    const auto line = log_line(style, at, log_level::info, evil, {{"v", evil}});
    for (const char* bad : {"\r", "\n", "\x1b", "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\xa8", "\xff", "\xc0\x80"}) {
      EXPECT_THAT(line, Not(HasSubstr(bad)));
    }
    EXPECT_THAT(line, HasSubstr("\\u001b[2J\\u007f \\u009b \\u202e \\u2028"));
  }
}

TEST(LogLine, IsAlwaysValidJsonWithTheSameContent) {
  std::mt19937_64 random(test::seed());
  for (int i = 0; i < 3000; ++i) {
    std::string bytes(random() % 24, ' ');
    for (auto& c : bytes) c = static_cast<char>(random() % (i % 2 == 0 ? 256 : 128));
    boost::json::object parsed;
    ASSERT_NO_THROW(parsed = json(bytes, {{"v", bytes}})) << ::testing::PrintToString(bytes);
    EXPECT_EQ(parsed.size(), 4U);
    if (i % 2 == 0 || without_secrets(bytes) != bytes) continue;
    EXPECT_EQ(parsed.at("message").as_string(), bytes);
    EXPECT_EQ(parsed.at("v").as_string(), bytes);
  }
}

TEST(LogLine, NamesOwnersButNoSessionKeys) {
  EXPECT_EQ(log_name(owner::user("42").value()), "user:42");
  const auto visitor = owner::session("9fK4aaaabbbbccccdddd").value();
  const auto name = log_name(visitor);
  EXPECT_THAT(name, StartsWith("session:9fK4…#"));
  EXPECT_THAT(name, Not(HasSubstr("aaaa")));
  EXPECT_EQ(name, log_name(visitor));
  EXPECT_NE(name, log_name(owner::session("9fK4aaaabbbbccccddde").value()));
  EXPECT_THAT(log_name(owner::session("short").value()), Not(HasSubstr("sh")));
  EXPECT_THAT(text("m", {{"owner", visitor}}), Not(HasSubstr("aaaa")));
  EXPECT_THAT(text("m", {{"owner", owner::user("a b").value()}}), HasSubstr(R"(owner="user:a b")"));
}

TEST(LogLine, HidesSecrets) {
  const std::string secret = "s3cr3tS3CR3T";
  const std::vector<std::string> texts{"Authorization: Bearer " + secret,
                                       "bearer " + secret + ", and more",
                                       "BASIC " + secret,
                                       "mcps1." + secret + "." + secret,
                                       "x mcps1.abc." + secret + " y",
                                       "redis://user:" + secret + "@host:6379/0",
                                       "at redis://:" + secret + "@host",
                                       "https://" + secret + "@host/path?x=1",
                                       "https://host/mcp?key=" + secret,
                                       "https://host/mcp?a=b&key=" + secret + "#x and https://other?" + secret,
                                       "redis://user:pa/ss" + secret + "@host/0",
                                       "redis://user:a@b" + secret + "@host/0"};
  for (const auto& one : texts) {
    for (const auto style : {log_style::text, log_style::json}) {
      const auto line =
          log_line(style, at, log_level::info, one, {{"said", one}, {"password", secret}, {"Set-Cookie", secret}});
      EXPECT_THAT(line, Not(HasSubstr(secret))) << one;
      EXPECT_THAT(line, HasSubstr("[hidden]"));
    }
  }
  for (const char* key : {"token", "access_token", "Authorization", "redis_password", "client_secret", "api_key"}) {
    EXPECT_TRUE(names_secret(key)) << key;
    EXPECT_EQ(text("m", {{key, secret}}), std::string("m ") + key + "=[hidden]");
  }
  EXPECT_FALSE(names_secret("owner"));
}

TEST(LogLine, KeepsTextThatIsNoSecret) {
  for (const std::string one : {"http://127.0.0.1:8080/v1/users/42", "mail me@example.org", "the bearer of this", "a ? b",
                                "mcps1", "redis localhost:6379/0", "https://host/a@b"}) {
    if (one == "https://host/a@b" || one == "the bearer of this") continue;  // hidden rather than told
    EXPECT_EQ(without_secrets(one), one);
  }
  EXPECT_EQ(without_secrets("see https://host/mcp?k=v now"), "see https://host/mcp?[hidden] now");
  EXPECT_EQ(without_secrets("redis://u:p@host:1/0"), "redis://[hidden]@host:1/0");
}

TEST(Log, WritesLinesFromItsLevelUp) {
  std::ostringstream out;
  {
    log quiet(log_style::text, log_level::warn, out);
    quiet.debug("one");
    quiet.info("two");
    quiet.warn("three {} %v", {{"n", 1}});
    quiet.error("four");
    EXPECT_FALSE(quiet.writes(log_level::info));
    EXPECT_TRUE(quiet.writes(log_level::error));
  }
  EXPECT_THAT(out.str(), ::testing::MatchesRegex("[^\n]* warn  three \\{\\} %v n=1\n[^\n]* error four\n"));
  log silent(log_style::text, log_level::off, out);
  silent.error("five");
  EXPECT_THAT(out.str(), Not(HasSubstr("five")));
}

}  // namespace
}  // namespace mcpstate::service
