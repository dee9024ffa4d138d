// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "redis/sentinel/sentinel_codec.hh"
#include "unit/redis/topology/replies.hh"

namespace mcpstate::redis {
namespace {

const nat_map no_nat;
const endpoint sentinel_place("s1", 26379);

sentinel_reading reading() { return sentinel_reading(sentinel_place, no_nat, "mymaster"); }

reply master_reply(const std::string& flags, const std::string& epoch) {
  return dict({str("name"), str("mymaster"), str("ip"), str("10.0.0.1"), str("port"), str("6379"), str("flags"), str(flags),
               str("config-epoch"), str(epoch), str("num-other-sentinels"), str("2"), str("down-after-milliseconds"),
               str("5000")});
}
std::vector<reply> good_answers() {
  const reply peer = dict({str("ip"), str("10.0.0.9"), str("port"), str("26379"), str("runid"), str("abc")});
  const reply nowhere = dict({str("ip"), str("?"), str("port"), str("26379"), str("runid"), str("def")});
  return {arr({str("10.0.0.2"), str("6380")}), master_reply("master", "7"), arr({peer, nowhere}), str("myid")};
}

TEST(SentinelCodec, ReadsWhatASentinelSays) {
  const auto view = read_sentinel_view(good_answers(), reading());
  ASSERT_TRUE(view) << view.error().full_text();
  EXPECT_EQ(shown(view->primary), "10.0.0.2:6380");  // not the address of SENTINEL MASTER, which comes later
  EXPECT_EQ(view->epoch, 7u);
  EXPECT_EQ(view->sentinels, 3u);
  EXPECT_EQ(view->id, "myid");
  EXPECT_EQ(view->down_after, std::chrono::milliseconds(5000));
  EXPECT_FALSE(view->down);
  ASSERT_EQ(view->peers.size(), 1u);
  EXPECT_EQ(shown(view->peers[0].at), "10.0.0.9:26379");
  EXPECT_EQ(view->peers[0].id, "abc");
}

TEST(SentinelCodec, ReadsTheFlags) {
  auto answers = good_answers();
  answers[1] = master_reply("s_down,master", "7");
  EXPECT_TRUE(read_sentinel_view(answers, reading())->down);
  answers[1] = master_reply("master,o_down,failover_in_progress", "7");
  EXPECT_TRUE(read_sentinel_view(answers, reading())->down);
  EXPECT_TRUE(read_sentinel_view(answers, reading())->failing_over);
  answers[1] = master_reply("master,o_downed", "7");
  EXPECT_FALSE(read_sentinel_view(answers, reading())->down);
}

TEST(SentinelCodec, DoesWithoutWhatItMayNotAsk) {
  auto answers = good_answers();
  answers[2] = err("NOPERM this user has no permissions to run the 'sentinel|sentinels' command");
  answers[3] = err("NOPERM no");
  const auto view = read_sentinel_view(answers, reading());
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->id.empty());
  EXPECT_TRUE(view->peers.empty());
}

TEST(SentinelCodec, SaysClearlyWhatCannotBeUsed) {
  const auto code_with = [](std::size_t place, const reply& what) {
    auto answers = good_answers();
    answers[place] = what;
    const auto view = read_sentinel_view(answers, reading());
    return view ? std::string("ok") : std::string(name_of(view.error().code()));
  };
  EXPECT_EQ(code_with(0, nil()), "unsupported");
  EXPECT_EQ(code_with(1, err("ERR No such master with that name")), "unsupported");
  EXPECT_EQ(code_with(0, err("ERR unknown command 'SENTINEL', with args beginning with: ")), "unsupported");
  EXPECT_EQ(code_with(0, err("IDONTKNOW I have not enough information")), "loading");
  EXPECT_EQ(code_with(0, err("NOAUTH Authentication required.")), "auth_failed");
  EXPECT_EQ(code_with(1, err("NOPERM no")), "auth_failed");
  EXPECT_EQ(code_with(0, arr({str("?"), str("6379")})), "protocol");
  EXPECT_EQ(code_with(0, arr({str(""), str("6379")})), "protocol");
  EXPECT_EQ(code_with(0, arr({str("h"), str("0")})), "protocol");
  EXPECT_EQ(code_with(0, arr({str("h")})), "protocol");
  EXPECT_EQ(code_with(0, num(1)), "protocol");
  EXPECT_EQ(code_with(1, dict({str("name"), str("mymaster")})), "protocol");
  EXPECT_EQ(code_with(1, master_reply("master", "-1")), "protocol");
  EXPECT_EQ(code_with(1, master_reply("master", "x")), "protocol");
  EXPECT_FALSE(read_sentinel_view({}, reading()));
}

TEST(SentinelCodec, ReachesEverybodyFromOutside) {
  const auto nat = nat_map::parse("10.0.0.2:6380=outside:7000,10.0.0.9:26379=outside:7001");
  ASSERT_TRUE(nat);
  const auto view = read_sentinel_view(good_answers(), sentinel_reading(sentinel_place, *nat, "mymaster"));
  ASSERT_TRUE(view);
  EXPECT_EQ(shown(view->primary), "outside:7000");
  EXPECT_EQ(shown(view->peers.front().at), "outside:7001");
  const reply told = arr({str("message"), str("+switch-master"), str("mymaster 10.0.0.1 6379 10.0.0.2 6380")});
  const auto change = read_switch(told, sentinel_reading(sentinel_place, *nat, "mymaster"));
  ASSERT_TRUE(change);
  EXPECT_EQ(shown(change->to), "outside:7000");
}

TEST(SentinelCodec, ReadsASwitchOfThisPrimaryOnly) {
  const auto read = [](const std::string& channel, const std::string& text) {
    return read_switch(arr({str("message"), str(channel), str(text)}), reading());
  };
  const auto good = read("+switch-master", "mymaster 10.0.0.1 6379 ::1 6380");
  ASSERT_TRUE(good);
  EXPECT_EQ(shown(good->from), "10.0.0.1:6379");
  EXPECT_EQ(shown(good->to), "[::1]:6380");
  EXPECT_FALSE(read("+switch-master", "other 10.0.0.1 6379 10.0.0.2 6380"));
  EXPECT_FALSE(read("+sdown", "mymaster 10.0.0.1 6379 10.0.0.2 6380"));
  EXPECT_FALSE(read("+switch-master", "mymaster 10.0.0.1 6379 10.0.0.2"));
  EXPECT_FALSE(read("+switch-master", "mymaster 10.0.0.1 6379 10.0.0.2 6380 more and more"));
  EXPECT_FALSE(read("+switch-master", "mymaster 10.0.0.1 6379 10.0.0.2 99999"));
  EXPECT_FALSE(read("+switch-master", ""));
  EXPECT_FALSE(read_switch(arr({str("subscribe"), str("+switch-master"), num(1)}), reading()));
}

TEST(SentinelCodec, KnowsAPrimaryByItsRole) {
  EXPECT_EQ(says_primary(arr({str("master"), num(1), arr({})})), true);
  EXPECT_EQ(says_primary(arr({str("slave"), str("h"), num(1)})), false);
  EXPECT_EQ(says_primary(err("NOPERM no")), std::nullopt);
}

}  // namespace
}  // namespace mcpstate::redis
