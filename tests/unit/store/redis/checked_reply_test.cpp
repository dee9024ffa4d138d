// SPDX-License-Identifier: MIT
#include "store/redis/checked_reply.hh"

#include <gtest/gtest.h>

namespace mcpstate {
namespace {

redis::reply plain_reply(redis::reply::type kind, std::string text, std::int64_t integer = 0) {
  redis::reply out;
  out.kind = kind;
  out.text = std::move(text);
  out.integer = integer;
  return out;
}

redis::reply reply_list(std::vector<redis::reply> items) {
  redis::reply out;
  out.kind = redis::reply::type::array;
  out.items = std::move(items);
  return out;
}

using enum redis::reply::type;

}  // namespace

TEST(CheckedReply, NeverReadsTheTextOfAnErrorAsAValue) {
  // What is an error of the server, by the words that once passed for a type, a number and a cursor.
  for (const char* words : {"MOVED 9842 127.0.0.1:7000", "NOPERM no permission", "set", "0", ""}) {
    const auto refused = plain_reply(redis::reply::type::error, words);
    EXPECT_FALSE(text_of(refused, "stats")) << words;
    EXPECT_FALSE(number_of(refused, "stats")) << words;
    EXPECT_FALSE(texts_of(refused, "stats")) << words;
    EXPECT_FALSE(scanned_of(refused, "stats")) << words;
    const auto key = plain_reply(string, "key"), cursor = plain_reply(string, "0");
    EXPECT_FALSE(texts_of(reply_list({key, refused}), "stats")) << words;
    EXPECT_FALSE(scanned_of(reply_list({refused, reply_list({})}), "stats")) << words;
    EXPECT_FALSE(scanned_of(reply_list({cursor, refused}), "stats")) << words;
    EXPECT_EQ(text_of(refused, "stats").error().peer_text(), words);
  }
}

TEST(CheckedReply, RefusesAnotherTypeThanWasAskedFor) {
  EXPECT_EQ(text_of(plain_reply(integer, "", 7), "scan").error().code(), errc::protocol);
  EXPECT_EQ(number_of(plain_reply(string, "7"), "scan").error().code(), errc::protocol);
  EXPECT_EQ(number_of(plain_reply(null, ""), "scan").error().code(), errc::protocol);
  EXPECT_EQ(texts_of(plain_reply(string, "7"), "scan").error().code(), errc::protocol);
  EXPECT_EQ(scanned_of(reply_list({plain_reply(string, "0")}), "scan").error().code(), errc::protocol);
}

TEST(CheckedReply, ReadsValues) {
  EXPECT_EQ(text_of(plain_reply(string, "set"), "scan").value(), "set");
  EXPECT_EQ(text_of(plain_reply(null, ""), "scan").value(), "");
  EXPECT_EQ(number_of(plain_reply(integer, "", -2), "scan").value(), -2);
  const auto step = scanned_of(reply_list({plain_reply(string, "17"), reply_list({plain_reply(string, "key")})}), "scan");
  ASSERT_TRUE(step);
  EXPECT_EQ(step->cursor, "17");
  EXPECT_EQ(step->found, std::vector<std::string>{"key"});
}

}  // namespace mcpstate
