// SPDX-License-Identifier: MIT
#include "redis/reply.hh"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace mcpstate::redis {
namespace {

TEST(RedisRequest, EncodesCommandsOneAfterTheOther) {
  request r;
  EXPECT_EQ(r.commands(), 0u);
  r.add("GET", "k").add("SET", std::string("key"), std::string_view("a\0b", 3), "EX", std::int64_t{60});
  EXPECT_EQ(r.commands(), 2u);
  const std::string expected = std::string("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*5\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\na") + '\0' +
                               "b\r\n$2\r\nEX\r\n$2\r\n60\r\n";
  EXPECT_EQ(r.bytes(), expected);
  EXPECT_EQ(std::move(r).take(), expected);
}

TEST(RedisRequest, EncodesACommandPieceByPiece) {
  request r;
  r.command(3).arg("DEL").arg("").arg(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(r.bytes(), "*3\r\n$3\r\nDEL\r\n$0\r\n\r\n$20\r\n-9223372036854775808\r\n");
}

TEST(RedisRequest, HoldsManyAndLargeArguments) {
  request r;
  const std::string large(5'000'000, 'x');
  r.command(1001);
  for (int i = 0; i < 1000; ++i) r.arg("abc");
  r.arg(large);
  EXPECT_EQ(r.bytes().size(), 7 + 1000 * 9 + 10 + 5'000'000 + 2u);
  EXPECT_TRUE(r.bytes().starts_with("*1001\r\n$3\r\nabc\r\n$3\r\n"));
  EXPECT_TRUE(r.bytes().ends_with("xxx\r\n"));
}

reply refusal(std::string text) {
  reply r;
  r.kind = reply::type::error;
  r.text = std::move(text);
  return r;
}

TEST(RedisRefusal, HasAnErrorCodeForEachKind) {
  const auto code = [](std::string text) { return to_error(refusal(std::move(text)), "x").code(); };
  EXPECT_EQ(code("WRONGTYPE Operation against a key holding the wrong kind of value"), errc::wrong_type);
  EXPECT_EQ(code("OOM command not allowed when used memory > 'maxmemory'."), errc::out_of_memory);
  EXPECT_EQ(code("LOADING Redis is loading the dataset in memory"), errc::loading);
  EXPECT_EQ(code("READONLY You can't write against a read only replica."), errc::read_only);
  EXPECT_EQ(code("MISCONF Redis is configured to save RDB snapshots"), errc::read_only);
  EXPECT_EQ(code("NOAUTH Authentication required."), errc::auth_failed);
  EXPECT_EQ(code("WRONGPASS invalid username-password pair or user is disabled."), errc::auth_failed);
  EXPECT_EQ(code("NOPERM this user has no permissions"), errc::auth_failed);
  EXPECT_EQ(code("ERR unknown command 'x'"), errc::server_error);
  EXPECT_EQ(code("WRONGTYPES are not a code of Redis"), errc::server_error);
  EXPECT_EQ(code("OOM"), errc::out_of_memory);
  EXPECT_EQ(code(""), errc::server_error);
}

TEST(RedisRefusal, KeepsTheServersWordsOutOfTheDetail) {
  const error e = to_error(refusal("ERR value 'secret' is bad"), "put user:42 github");
  EXPECT_TRUE(e.detail().starts_with("put user:42 github: "));
  EXPECT_EQ(e.detail().find("secret"), std::string::npos);
  EXPECT_EQ(e.peer_text(), "ERR value 'secret' is bad");
}

}  // namespace
}  // namespace mcpstate::redis
