// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include <mcpstate/core/owner.hpp>

namespace mcpstate {
namespace {

TEST(Owner, ParsesUsersAndSessions) {
  const auto user = owner::parse("user:42");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->kind(), owner_kind::user);
  EXPECT_EQ(user->id(), "42");
  EXPECT_EQ(user->text(), "user:42");
  const auto session = owner::parse("session:9fK");
  ASSERT_TRUE(session);
  EXPECT_EQ(session->kind(), owner_kind::session);
  EXPECT_EQ(session->id(), "9fK");
  EXPECT_EQ(session->text(), "session:9fK");
}

TEST(Owner, TakesEverythingAfterTheFirstColonForTheId) {
  for (const char* id : {"a:b", ":", "user:1", " x ", "{42}", "*", "%3A", "…", "Zoë 😀"}) {
    const auto who = owner::parse(std::string("user:") + id);
    ASSERT_TRUE(who) << id;
    EXPECT_EQ(who->id(), id);
    EXPECT_EQ(*owner::parse(who->text()), *who);
  }
}

TEST(Owner, RefusesTextThatNamesNoOwner) {
  for (const char* text : {"", "42", "user", "users:42", "User:42", "bot:42", ":42", "user 42", "session"}) {
    const auto who = owner::parse(text);
    ASSERT_FALSE(who) << text;
    EXPECT_EQ(who.error().code(), errc::bad_owner) << text;
    EXPECT_EQ(who.error().detail(), "'" + std::string(text) + "' is not an owner: write user:ID or session:KEY");
  }
}

TEST(Owner, ShowsARefusedTextOnOneShortLine) {
  const auto hostile = owner::parse("x\n\x1b[31m\xff'\\");
  EXPECT_EQ(hostile.error().detail(), R"('x\x0a\x1b[31m\xff\x27\x5c' is not an owner: write user:ID or session:KEY)");
  const auto endless = owner::parse(std::string(100'000, 'x'));
  EXPECT_EQ(endless.error().detail(), "'" + std::string(60, 'x') + "…' is not an owner: write user:ID or session:KEY");
}

struct bad_name_case {
  std::string text;
  const char* fault;
};

const bad_name_case bad_names[] = {
    {"", "is empty"},
    {std::string(513, 'a'), "is longer than 512 bytes"},
    {"\xff", "is not valid UTF-8"},
    {"caf\xe9", "is not valid UTF-8"},
};

TEST(Owner, RefusesBadIdsAndSaysWhy) {
  for (const bad_name_case& bad : bad_names) {
    const auto user = owner::user(bad.text);
    ASSERT_FALSE(user);
    EXPECT_EQ(user.error().code(), errc::bad_name);
    EXPECT_EQ(user.error().detail(), std::string("the user id ") + bad.fault);
    const auto session = owner::session(bad.text);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code(), errc::bad_name);
    EXPECT_EQ(session.error().detail(), std::string("the session key ") + bad.fault);
  }
}

TEST(ServerName, RefusesBadNamesAndSaysWhy) {
  for (const bad_name_case& bad : bad_names) {
    const auto name = server_name::parse(bad.text);
    ASSERT_FALSE(name);
    EXPECT_EQ(name.error().code(), errc::bad_name);
    EXPECT_EQ(name.error().detail(), std::string("the server name ") + bad.fault);
  }
}

TEST(ServerName, AcceptsAnyTextOfUpTo512Bytes) {
  const std::string with_nul("a\0b", 3);
  for (const std::string& text : {std::string("github"), std::string("io.github.x/y"), std::string("a b:*"), with_nul,
                                  std::string(512, 'z'), std::string("日本語")}) {
    const auto name = server_name::parse(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->text(), text);
  }
}

TEST(Owner, DistinguishesUsersFromSessionsOfTheSameId) {
  EXPECT_NE(*owner::user("1"), *owner::session("1"));
  EXPECT_LT(*owner::user("1"), *owner::user("2"));
  EXPECT_EQ(*owner::user("1"), *owner::parse("user:1"));
}

}  // namespace
}  // namespace mcpstate
