// SPDX-License-Identifier: MIT
#include "redis/topology/slot.hh"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "support/seed.hh"

namespace mcpstate::redis {
namespace {

// Bit by bit, as the definition of CRC-16/XMODEM has it.
std::uint16_t slow_crc16(std::string_view bytes) {
  unsigned crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) {
      crc <<= 1;
      if ((crc & 0x10000u) != 0) crc ^= 0x11021u;
    }
  }
  return static_cast<std::uint16_t>(crc);
}

std::string random_bytes(std::mt19937_64& random, std::size_t length, std::string_view from = {}) {
  std::string out(length, '\0');
  for (char& c : out) c = from.empty() ? static_cast<char>(random() & 0xff) : from[random() % from.size()];
  return out;
}

TEST(Crc16, HasTheCheckValueOfItsDefinition) { EXPECT_EQ(crc16("123456789"), 0x31c3); }

TEST(Crc16, IsTheSameAsBitByBitForEveryLength) {
  std::mt19937_64 random(test::seed());
  for (std::size_t length = 0; length < 300; ++length) {
    const std::string bytes = random_bytes(random, length);
    ASSERT_EQ(crc16(bytes), slow_crc16(bytes)) << length;
  }
}

TEST(Crc16, TakesBytesAboveAsciiAsUnsigned) {
  const std::string high("\xff\x80\xfe\x00\x81\xc3\xbc\xff\xff", 9);
  EXPECT_EQ(crc16(high), slow_crc16(high));
}

// What redis-server 7.0 answers to CLUSTER KEYSLOT.
TEST(Slot, IsThatOfRedis) {
  EXPECT_EQ(slot_of(""), 0);
  EXPECT_EQ(slot_of("1"), 9842);
  EXPECT_EQ(slot_of("1bz"), 0);
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of("bar"), 5061);
  EXPECT_EQ(slot_of("hello"), 866);
  EXPECT_EQ(slot_of("somekey"), 11058);
  EXPECT_EQ(slot_of("foo{hash_tag}"), 2515);
  EXPECT_EQ(slot_of("bar{hash_tag}"), 2515);
  EXPECT_EQ(slot_of("mcp:user:{1}:connections"), 9842);
}

TEST(HashTag, IsWhatTheFirstBracesHold) {
  EXPECT_EQ(hash_tag("{user1000}.following"), "user1000");
  EXPECT_EQ(hash_tag("foo{bar}{zap}"), "bar");
  EXPECT_EQ(hash_tag("a{b}c"), "b");
  EXPECT_EQ(hash_tag("foo{{bar}}zap"), "{bar");
}

TEST(HashTag, IsTheWholeKeyWhenTheFirstBracesAreEmptyOrOpen) {
  for (const std::string_view key : {"plain", "foo{}{bar}", "foo{", "foo}", "}foo{", "{}", "foo}bar{", ""}) {
    EXPECT_EQ(hash_tag(key), key);
  }
}

TEST(HashTag, EndsAtTheFirstBraceBehindItsBeginning) {
  EXPECT_EQ(hash_tag("}{a}"), "a");
  EXPECT_EQ(hash_tag("}a{b}c}"), "b");
}

// The rule in other words: character by character.
TEST(HashTag, AgreesWithTheRuleReadByteByByte) {
  std::mt19937_64 random(test::seed());
  for (int i = 0; i < 20000; ++i) {
    const std::string key = random_bytes(random, random() % 12, "{}ab");
    std::size_t open = 0;
    while (open < key.size() && key[open] != '{') ++open;
    std::size_t close = open + 1;
    while (close < key.size() && key[close] != '}') ++close;
    const bool tagged = open < key.size() && close < key.size() && close != open + 1;
    ASSERT_EQ(hash_tag(key), tagged ? key.substr(open + 1, close - open - 1) : key) << key;
    ASSERT_EQ(slot_of(key), slow_crc16(hash_tag(key)) % slot_count) << key;
  }
}

TEST(CommonSlot, IsThatOfEveryKey) {
  const std::array<std::string_view, 3> keys = {"mcp:user:{42}:connections", "mcp:user:{42}:server:a:status", "{42}"};
  const auto slot = common_slot(keys);
  ASSERT_TRUE(slot);
  EXPECT_EQ(*slot, slot_of("42"));
}

TEST(CommonSlot, RefusesKeysOfTwoSlotsWithoutTellingThem) {
  const std::array<std::string_view, 3> keys = {"{a}1", "{a}2", "mcp:session:{secret}:connections"};
  const auto slot = common_slot(keys);
  ASSERT_FALSE(slot);
  EXPECT_EQ(slot.error().code(), errc::bug);
  EXPECT_NE(slot.error().detail().find(std::to_string(slot_of("a"))), std::string::npos);
  EXPECT_NE(slot.error().detail().find(std::to_string(slot_of("secret"))), std::string::npos);
  EXPECT_EQ(slot.error().full_text().find("session"), std::string::npos);
}

}  // namespace
}  // namespace mcpstate::redis
