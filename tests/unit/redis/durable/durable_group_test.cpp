// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "redis/durable/durable_group.hh"
#include "redis/topology/verdict.hh"
#include "unit/redis/topology/replies.hh"

namespace mcpstate::redis {
namespace {

using std::chrono::milliseconds;

reply role_with(std::size_t replicas) {
  std::vector<reply> all(replicas, arr({str("h"), str("6379"), str("1")}));
  return arr({str("master"), num(1), arr(std::move(all))});
}
durable_rules rules_for(std::size_t replicas) {
  durable_rules out;
  out.replicas = replicas;
  return out;
}
std::string closing_words(const durable_group& group, milliseconds left) {
  request whole;
  group.close(whole, left);
  std::string out;
  for (std::size_t i = 0; i < whole.bytes().size(); ++i) {
    const char c = whole.bytes()[i];
    out += c == '\r' || c == '\n' ? ' ' : c;
  }
  return out;
}

TEST(DurableGroup, WaitsForAllReplicasThatAreConnectedAndAtLeastOne) {
  EXPECT_NE(closing_words(durable_group({}, 2, false), milliseconds(5000)).find("WAIT  $1  2  $4  1000"), std::string::npos);
  EXPECT_NE(closing_words(durable_group({}, 0, false), milliseconds(5000)).find("WAIT  $1  1 "), std::string::npos);
  EXPECT_NE(closing_words(durable_group({}, std::nullopt, false), milliseconds(5000)).find("WAIT  $1  1 "),
            std::string::npos);
  EXPECT_NE(closing_words(durable_group(rules_for(3), 2, false), milliseconds(5000)).find("WAIT  $1  3 "),
            std::string::npos);
}

TEST(DurableGroup, EndsBeforeTheFirstCallerGivesUpAndNeverWaitsForEver) {
  EXPECT_NE(closing_words(durable_group({}, 1, false), milliseconds(400)).find("$3  300"), std::string::npos);
  EXPECT_NE(closing_words(durable_group({}, 1, false), milliseconds(-50)).find("WAIT  $1  1  $1  1 "), std::string::npos);
}

TEST(DurableGroup, AsksForTheDiskWhereTheServerAppendsToAFile) {
  const durable_group group({}, 1, true);
  EXPECT_NE(closing_words(group, milliseconds(5000)).find("WAITAOF  $1  1  $1  0  $4  1000"), std::string::npos);
  EXPECT_EQ(group.closing_replies(), 3u);
  const std::vector<reply> on_disk{arr({num(1), num(0)}), num(1), role_with(1)};
  EXPECT_TRUE(group.read(on_disk).enough());
  const std::vector<reply> late{arr({num(0), num(0)}), num(1), role_with(1)};
  EXPECT_FALSE(group.read(late).enough());
  const std::vector<reply> off{err("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."), num(1),
                               role_with(1)};
  EXPECT_FALSE(group.read(off).enough());
}

TEST(DurableGroup, CountsCopies) {
  const durable_group all({}, 2, false);
  const auto enough = [](const durable_group& group, std::vector<reply> closing) { return group.read(closing).enough(); };
  EXPECT_TRUE(enough(all, {num(2), role_with(2)}));
  EXPECT_FALSE(enough(all, {num(1), role_with(2)}));
  EXPECT_FALSE(enough(all, {num(1), role_with(1)}));  // the other has gone: to become the primary?
  EXPECT_FALSE(enough(all, {num(0), role_with(0)}));  // none is left
  EXPECT_FALSE(enough(all, {num(2), role_with(3)}));  // one more has come
  const durable_group one(rules_for(1), 2, false);
  EXPECT_TRUE(enough(one, {num(1), role_with(2)}));
  EXPECT_FALSE(enough(one, {num(0), role_with(2)}));
  EXPECT_TRUE(enough(all, {num(2), err("NOPERM no")}));
  EXPECT_FALSE(enough(all, {err("NOPERM no"), role_with(2)}));
  EXPECT_FALSE(enough(all, {err("ERR WAIT cannot be used with replica instances."), arr({str("slave")})}));
  EXPECT_EQ(all.read(std::vector<reply>{err("NOPERM no"), role_with(2)}).refused, "NOPERM no");
}

TEST(DurableGroup, WaitsForAReplicaThatHasGoneUntilItCannotHaveBecomeThePrimary) {
  const auto start = replica_count::time_point(std::chrono::hours(1));
  replica_count count(std::chrono::seconds(10));
  EXPECT_EQ(count.seen(), std::nullopt);
  count.heard(1, start);
  count.heard(2, start);
  count.heard(1, start + std::chrono::hours(1));
  EXPECT_EQ(count.seen(), 2u);
  count.heard(1, start + std::chrono::hours(1) + std::chrono::seconds(9));
  EXPECT_EQ(count.seen(), 2u);
  count.heard(2, start + std::chrono::hours(1) + std::chrono::milliseconds(9500));
  count.heard(1, start + std::chrono::hours(1) + std::chrono::seconds(11));
  EXPECT_EQ(count.seen(), 2u);
  count.heard(0, start + std::chrono::hours(1) + std::chrono::seconds(21));
  EXPECT_EQ(count.seen(), 0u);
  count.heard(3, start + std::chrono::hours(2));
  count.forget();
  EXPECT_EQ(count.seen(), std::nullopt);
}

TEST(DurableGroup, SendsTheCommandsOfEveryRequest) {
  const durable_group group({}, 1, false);
  request whole, first, second;
  first.add("SET", "a", "1\r\n$3").add("SET", "b", "2");
  second.add("SET", "c", "3");
  group.add(whole, first);
  group.add(whole, second);
  EXPECT_EQ(whole.commands(), 3u);
  EXPECT_EQ(whole.bytes(), first.bytes() + second.bytes());
}

}  // namespace
}  // namespace mcpstate::redis
