// SPDX-License-Identifier: MIT
#include "service/gate/access_keys.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

#include "support/temp_dir.hh"

namespace mcpstate::service {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr const char* first_secret = "first-service-token-0123456789";
constexpr const char* second_secret = "second-service-token-0123456789";
constexpr timestamp now{std::chrono::seconds(1'790'000'000)};

access_keys keys(const std::string& text) { return access_keys::parse(text).value(); }
owner alice() { return owner::user("alice").value(); }

void expect_refused(const access_keys& by, const std::string& token, timestamp at = now) {
  const auto got = by.verify(token, at);
  ASSERT_FALSE(got) << token;
  EXPECT_EQ(got.error().code(), errc::auth_failed);
  EXPECT_TRUE(got.error().is(cond::unauthorized));
  if (token.size() < 8) return;  // shorter ones may stand in any text
  EXPECT_THAT(got.error().full_text(), Not(HasSubstr(token)));
}

TEST(AccessKeys, AcceptAServiceToken) {
  const auto got = keys(first_secret).verify(first_secret, now);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->kind, token_kind::service);
  EXPECT_FALSE(got->subject);
  EXPECT_TRUE(got->acts_for(alice()));
}

TEST(AccessKeys, RefuseUnknownTokens) {
  const auto known = keys(first_secret);
  for (const std::string text :
       {"", "x", "first-service-token-012345678", "first-service-token-01234567890", "First-service-token-0123456789",
        second_secret, "mcps1.", "mcps1", "mcps1..", "mcps1.a.b", ".", "mcps1.mcps1.mcps1."}) {
    expect_refused(known, text);
  }
  expect_refused(known, std::string(1U << 20U, 'a'));
  expect_refused(known, "mcps1." + std::string(1U << 20U, 'a') + ".b");
  expect_refused(known, std::string("first-service-token-0123456789\0", 31));
}

TEST(AccessKeys, RefuseEverybodyWithoutKeys) {
  const access_keys none;
  EXPECT_TRUE(none.empty());
  expect_refused(none, first_secret);
  expect_refused(none, keys(first_secret).mint(alice(), 1h, now));
  EXPECT_THROW(static_cast<void>(none.mint(alice(), 1h, now)), std::logic_error);
}

TEST(AccessKeys, BindAnOwnerTokenToOneOwnerAndATime) {
  const auto known = keys(first_secret);
  const auto token = known.mint(alice(), 1h, now);
  EXPECT_THAT(token, MatchesRegex("mcps1\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]{43}"));
  const auto got = known.verify(token, now);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->kind, token_kind::owner);
  EXPECT_EQ(got->subject, alice());
  EXPECT_EQ(got->expires_at, now + 1h);
  EXPECT_TRUE(got->acts_for(alice()));
  EXPECT_FALSE(got->acts_for(owner::user("bob").value()));
  EXPECT_FALSE(got->acts_for(owner::session("alice").value()));
  EXPECT_TRUE(known.verify(token, now + 1h - 1us));
  expect_refused(known, token, now + 1h);
  expect_refused(known, token, now + 1000h);
}

TEST(AccessKeys, ReadBackOwnersOfAnySpelling) {
  const auto known = keys(first_secret);
  for (const auto& who :
       {owner::session("9fK").value(), owner::user("a b:c/ü\n").value(), owner::user(std::string(512, 'x')).value(),
        owner::session(std::string(512, 'y')).value(), owner::user(" ").value()}) {
    const auto got = known.verify(known.mint(who, 365 * 24h, now), now);
    ASSERT_TRUE(got) << who.text();
    EXPECT_EQ(got->subject, who);
  }
}

TEST(AccessKeys, NoticeAChangeOfAnyByteOfAToken) {
  const auto known = keys(first_secret);
  const auto token = known.mint(alice(), 1h, now);
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'A', 'B', '-', '.', '=', '\0', '\x80'}) {
      if (token[i] == c) continue;
      auto changed = token;
      changed[i] = c;
      expect_refused(known, changed);
    }
    expect_refused(known, token.substr(0, i));
    expect_refused(known, token.substr(i + 1));
  }
  for (const char* more : {"A", "=", ".", " ", "\n"}) expect_refused(known, token + more);
  // The owner of one token under the signature of another.
  const auto other = known.mint(owner::user("mallory").value(), 1h, now);
  expect_refused(known, other.substr(0, other.rfind('.')) + token.substr(token.rfind('.')));
}

TEST(AccessKeys, RefuseTokensOfAnotherKey) {
  const auto token = keys(second_secret).mint(alice(), 1h, now);
  expect_refused(keys(first_secret), token);
  // A key id cannot be borrowed: the payload of one, signed by the other.
  const auto mine = keys(first_secret).mint(alice(), 1h, now);
  expect_refused(keys(first_secret), mine.substr(0, mine.rfind('.')) + token.substr(token.rfind('.')));
}

TEST(AccessKeys, Rotate) {
  const auto before = keys(first_secret);
  const auto both = keys(std::string("# the new one first\n") + second_secret + "\n" + first_secret + "\n");
  const auto after = keys(second_secret);
  const auto old_token = before.mint(alice(), 1h, now);
  const auto new_token = both.mint(alice(), 1h, now);
  EXPECT_TRUE(both.verify(old_token, now));
  EXPECT_TRUE(both.verify(new_token, now));
  EXPECT_TRUE(both.verify(first_secret, now));
  EXPECT_TRUE(both.verify(second_secret, now));
  EXPECT_TRUE(after.verify(new_token, now));
  expect_refused(after, old_token);
  expect_refused(after, first_secret);
  expect_refused(before, new_token);
}

TEST(AccessKeys, ReadCommentsBlanksAndAnyLineEnd) {
  const auto known = keys(std::string("\n# a comment\r\n  \t\n  ") + first_secret + " \r\n\r\n#" + second_secret);
  EXPECT_FALSE(known.empty());
  EXPECT_TRUE(known.verify(first_secret, now));
  expect_refused(known, second_secret);
}

TEST(AccessKeys, ReportABadFileWithoutItsTokens) {
  struct row {
    std::string text, why;
  };
  const std::string good = std::string(first_secret) + "\n";
  const std::vector<row> rows{{"", "there is no token"},
                              {"\n# nothing\n", "there is no token"},
                              {good + "sh0rt-0123", "line 2 is too short"},
                              {good + "\n" + std::string(1025, 's'), "line 3 is too long"},
                              {"secret with a blank in it", "line 1 holds something else"},
                              {"secret-with-ü-in-it-0123456789", "line 1 holds something else"},
                              {std::string("secret-with-\0-in-it-0123456789", 30), "line 1 holds something else"},
                              {"mcps1.secretsecretsecret.x", "line 1 is an owner token"}};
  for (const auto& one : rows) {
    const auto got = access_keys::parse(one.text);
    ASSERT_FALSE(got) << one.why;
    EXPECT_EQ(got.error().code(), errc::bad_argument);
    EXPECT_THAT(got.error().full_text(), HasSubstr(one.why));
    for (const char* secret : {"secret", "sh0rt", "sss", first_secret})
      EXPECT_THAT(got.error().full_text(), Not(HasSubstr(secret)));
  }
  std::string many;
  for (int i = 0; i < 17; ++i) many += std::string(first_secret) + std::to_string(i) + "\n";
  EXPECT_FALSE(access_keys::parse(many));
}

TEST(AccessKeys, PutNothingOfAServiceTokenIntoAnOwnerToken) {
  const auto token = keys(first_secret).mint(alice(), 1h, now);
  EXPECT_THAT(token, Not(HasSubstr("first")));
  // Two services with other keys have other key ids; the same key always has the same one.
  EXPECT_NE(token.substr(0, 18), keys(second_secret).mint(alice(), 1h, now).substr(0, 18));
  EXPECT_EQ(token, keys(first_secret).mint(alice(), 1h, now + 1us));
}

TEST(AccessKeys, KeepTheFormOfOwnerTokens) {
  // A token that was given out must still be good after an upgrade. This one was made
  // with another program (Python's hmac and base64).
  const std::string token = "mcps1.VkJyQ2FDcGogMTc5MDAwMzYwMCB1c2VyOmFsaWNl.EfjAtqRDPhkaAvkWgsbSi2ts-0RgefxiuHjDycsVsEc";
  EXPECT_EQ(keys("0123456789abcdef").mint(alice(), 1h, now), token);
  const auto got = keys("0123456789abcdef").verify(token, now);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->subject, alice());
}

TEST(AccessKeys, ReadAFileWholeOrRefuseIt) {
  const test::temp_dir dir;
  const auto path = dir.file("tokens");
  EXPECT_THAT(read_access_keys(path).error().full_text(), HasSubstr(path + " cannot be read"));
  EXPECT_THAT(read_access_keys(dir.path().string()).error().full_text(), HasSubstr("cannot be read"));
  std::ofstream(path) << first_secret << "\n";
  EXPECT_TRUE(read_access_keys(path)->verify(first_secret, now));
  std::ofstream(path) << "# " << std::string(65'536, 'x') << "\n" << first_secret << "\n";
  EXPECT_EQ(read_access_keys(path).error().code(), errc::too_large);
  std::ofstream(path) << "hush-hush\n";
  const auto bad = read_access_keys(path);
  EXPECT_THAT(bad.error().full_text(), HasSubstr(path + ": the token in line 1 is too short"));
  EXPECT_THAT(bad.error().full_text(), Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace mcpstate::service
