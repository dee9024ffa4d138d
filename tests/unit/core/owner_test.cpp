// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include <mcpstate/core/owner.hpp>

namespace mcpstate {
namespace {

TEST(owner, parses_users_and_sessions) {
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

TEST(owner, everything_after_the_first_colon_is_the_id) {
  for (const char* id : {"a:b", ":", "user:1", " x ", "{42}", "*", "%3A", "…", "Zoë 😀"}) {
    const auto who = owner::parse(std::string("user:") + id);
    ASSERT_TRUE(who) << id;
    EXPECT_EQ(who->id(), id);
    EXPECT_EQ(*owner::parse(who->text()), *who);
  }
}

TEST(owner, refuses_what_is_no_owner) {
  for (const char* text : {"", "42", "user", "users:42", "User:42", "bot:42", ":42", "user 42", "session"}) {
    const auto who = owner::parse(text);
    ASSERT_FALSE(who) << text;
    EXPECT_EQ(who.error().code(), errc::bad_owner) << text;
    EXPECT_EQ(who.error().detail(), "'" + std::string(text) + "' is not an owner: write user:ID or session:KEY");
  }
}

TEST(owner, a_refused_text_is_shown_on_one_short_line) {
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

TEST(owner, refuses_bad_ids_and_says_why) {
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

TEST(server_name, refuses_bad_names_and_says_why) {
  for (const bad_name_case& bad : bad_names) {
    const auto name = server_name::parse(bad.text);
    ASSERT_FALSE(name);
    EXPECT_EQ(name.error().code(), errc::bad_name);
    EXPECT_EQ(name.error().detail(), std::string("the server name ") + bad.fault);
  }
}

TEST(server_name, accepts_any_text_of_up_to_512_bytes) {
  const std::string with_nul("a\0b", 3);
  for (const std::string& text : {std::string("github"), std::string("io.github.x/y"), std::string("a b:*"), with_nul,
                                  std::string(512, 'z'), std::string("日本語")}) {
    const auto name = server_name::parse(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->text(), text);
  }
}

TEST(owner, users_and_sessions_of_the_same_id_differ) {
  EXPECT_NE(*owner::user("1"), *owner::session("1"));
  EXPECT_LT(*owner::user("1"), *owner::user("2"));
  EXPECT_EQ(*owner::user("1"), *owner::parse("user:1"));
}

TEST(utf8, accepts_exactly_the_well_formed_sequences) {
  for (const char* good :
       {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "eight by\xc3\xa9te blocks are skipped \xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  }
  for (const char* bad : {"\x80",
                          "\xbf",
                          "\xc0\x80",
                          "\xc1\xbf",
                          "\xc2",
                          "\xc2\x41",
                          "\xe0\x9f\xbf",
                          "\xe0\xa0",
                          "\xed\xa0\x80",
                          "\xed\xbf\xbf",
                          "\xf0\x8f\xbf\xbf",
                          "\xf0\x90\x80",
                          "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80",
                          "\xfe",
                          "\xff",
                          "12345678\xff",
                          "1234567\xff"
                          "9",
                          "a\xe2\x82",
                          "12345678901234\xc3"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
  }
  EXPECT_TRUE(is_valid_utf8(std::string_view("\0", 1)));
}

// Every two-byte text, and every three- and four-byte text with the bytes at the borders of the grammar, against the plain
// definition: decode, and see whether the shortest encoding of the code point gives the same bytes.
bool valid_by_definition(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5u == 6 ? 2 : lead >> 4u == 14 ? 3 : lead >> 3u == 30 ? 4 : 0;
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6u != 2) return false;
      point = point << 6u | (next & 0x3fu);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

TEST(utf8, agrees_with_the_definition_on_all_short_texts) {
  constexpr unsigned char border[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
  std::string text;
  for (unsigned lead = 0; lead < 256; ++lead) {
    for (unsigned second = 0; second < 256; ++second) {
      text = {static_cast<char>(lead), static_cast<char>(second)};
      ASSERT_EQ(is_valid_utf8(text), valid_by_definition(text)) << lead << " " << second;
      for (const unsigned char third : border) {
        for (const unsigned char fourth : border) {
          const std::string longer = text + static_cast<char>(third) + static_cast<char>(fourth);
          ASSERT_EQ(is_valid_utf8(longer), valid_by_definition(longer))
              << lead << " " << second << " " << +third << " " << +fourth;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mcpstate
