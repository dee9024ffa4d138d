// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "redis/topology/cluster_map.hh"
#include "redis/topology/map_codec.hh"
#include "unit/redis/topology/replies.hh"

namespace mcpstate::redis {
namespace {

const nat_map no_nat;
map_reading plainly(bool tls = false) { return map_reading(endpoint("asked.example", 7000), tls, no_nat); }

std::string where(const cluster_node* node) { return node == nullptr ? "nobody" : node->at ? shown(*node->at) : "unknown"; }
std::string owner(const cluster_map& map, std::uint16_t slot) { return where(map.primary_of(slot)); }

reply node(const reply& host, std::int64_t port, std::string id, std::vector<reply> metadata = {}) {
  return arr({host, num(port), str(std::move(id)), arr(std::move(metadata))});
}
reply range(std::int64_t first, std::int64_t last, std::vector<reply> nodes) {
  std::vector<reply> all = {num(first), num(last)};
  for (reply& each : nodes) all.push_back(std::move(each));
  return arr(std::move(all));
}

const reply three = arr({range(0, 5460, {node(str("10.0.0.1"), 7000, "a"), node(str("10.0.0.4"), 7003, "d")}),
                         range(5461, 10922, {node(str("10.0.0.2"), 7001, "b")}),
                         range(10923, 16383, {node(str("10.0.0.3"), 7002, "c"), node(str("10.0.0.5"), 7004, "e")})});

cluster_map three_nodes() { return read_cluster_slots(three, plainly()).value(); }

TEST(ClusterSlots, SayWhoServesASlot) {
  const auto map = read_cluster_slots(three, plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(owner(*map, 0), "10.0.0.1:7000");
  EXPECT_EQ(owner(*map, 5460), "10.0.0.1:7000");
  EXPECT_EQ(owner(*map, 5461), "10.0.0.2:7001");
  EXPECT_EQ(owner(*map, 16383), "10.0.0.3:7002");
  EXPECT_EQ(map->covered(), slot_count);
  EXPECT_TRUE(map->holes().empty());
  EXPECT_EQ(map->primaries().size(), 3u);
  EXPECT_EQ(map->replicas().size(), 2u);
}

TEST(ClusterSlots, HaveOneNodeForItsManyRanges) {
  const auto map = read_cluster_slots(arr({range(0, 1, {node(str("h"), 1, "a")}), range(2, 2, {node(str("h"), 2, "b")}),
                                           range(3, 9, {node(str("h"), 1, "a")})}),
                                      plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(map->primaries().size(), 2u);
  EXPECT_EQ(owner(*map, 9), "h:1");
}

TEST(ClusterSlots, FindNodesWithoutIdsByTheirEndpoints) {
  const auto old = [](std::string host, std::int64_t port) { return arr({str(std::move(host)), num(port)}); };
  const auto map = read_cluster_slots(
      arr({range(0, 1, {old("h", 1)}), range(2, 2, {old("h", 2)}), range(3, 9, {old("h", 1)})}), plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(map->primaries().size(), 2u);
}

TEST(ClusterSlots, MeanTheAskedHostWhereNoneIsNamed) {
  const auto map =
      read_cluster_slots(arr({range(0, 1, {node(nil(), 7001, "a")}), range(2, 3, {node(str(""), 7002, "b")})}), plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(owner(*map, 0), "asked.example:7001");
  EXPECT_EQ(owner(*map, 2), "asked.example:7002");
}

TEST(ClusterSlots, LeaveANodeWithoutAKnownHostUnreachable) {
  const auto map =
      read_cluster_slots(arr({range(0, 1, {node(str("?"), 7001, "a", {str("ip"), str("10.0.0.1")})}),
                              range(2, 3, {node(str("h"), 0, "b")}), range(4, 5, {node(str("h"), 70000, "c")})}),
                         plainly());
  ASSERT_TRUE(map);
  for (const std::uint16_t slot : {std::uint16_t{0}, std::uint16_t{2}, std::uint16_t{4}})
    EXPECT_EQ(owner(*map, slot), "unknown");
  EXPECT_EQ(map->primaries().size(), 3u);
  EXPECT_EQ(map->covered(), 6u);
}

TEST(ClusterSlots, GiveACertificateTheNameThatItKnows) {
  const reply named =
      arr({range(0, 1, {arr({str("10.0.0.1"), num(7001), str("a"), dict({str("hostname"), str("Node-A.example")})})})});
  EXPECT_EQ(owner(*read_cluster_slots(named, plainly(true)), 0), "node-a.example:7001");
  EXPECT_EQ(owner(*read_cluster_slots(named, plainly(false)), 0), "10.0.0.1:7001");
}

TEST(ClusterSlots, AreReachedThroughANat) {
  const nat_map nat = nat_map::parse("10.0.0.2:7001=outside:9001").value();
  const auto map = read_cluster_slots(three, map_reading(endpoint("outside", 9000), false, nat));
  ASSERT_TRUE(map);
  EXPECT_EQ(owner(*map, 6000), "outside:9001");
  EXPECT_EQ(owner(*map, 0), "10.0.0.1:7000");
}

TEST(ClusterSlots, ShowTheirHoles) {
  const auto map =
      read_cluster_slots(arr({range(1, 5, {node(str("h"), 1, "a")}), range(8, 16382, {node(str("h"), 2, "b")})}), plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(map->holes(), (std::vector<slot_range>{{0, 0}, {6, 7}, {16383, 16383}}));
  EXPECT_EQ(owner(*map, 6), "nobody");
}

TEST(ClusterSlots, OfANewClusterAreOneHole) {
  const auto map = read_cluster_slots(arr({}), plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(map->holes(), (std::vector<slot_range>{{0, 16383}}));
  EXPECT_EQ(map->covered(), 0u);
}

TEST(ClusterSlots, ThatTwoClaimAreOverlapsAndStayWithTheFirst) {
  const auto map =
      read_cluster_slots(arr({range(0, 9, {node(str("h"), 1, "a")}), range(5, 12, {node(str("h"), 2, "b")})}), plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(map->overlaps(), (std::vector<slot_range>{{5, 9}}));
  EXPECT_EQ(owner(*map, 5), "h:1");
  EXPECT_EQ(owner(*map, 10), "h:2");
}

TEST(ClusterSlots, ThatCannotBeUnderstoodAreAnError) {
  const reply good = node(str("h"), 1, "a");
  for (const reply& bad : {str("OK"), nil(), num(3), arr({num(1)}), arr({arr({num(0), num(1)})}),
                           arr({range(-1, 3, {good})}), arr({range(5, 3, {good})}), arr({range(0, 16384, {good})}),
                           arr({range(0, 1, {str("h")})}), arr({range(0, 1, {arr({str("h")})})}),
                           arr({arr({str("0"), str("1"), good})}), arr({range(0, 1, {arr({num(1), num(2)})})})}) {
    const auto map = read_cluster_slots(bad, plainly());
    ASSERT_FALSE(map);
    EXPECT_EQ(map.error().code(), errc::protocol);
  }
}

TEST(ClusterSlots, NeverMakeUsKeepMoreNodesThanTheLimit) {
  std::vector<reply> ranges, replicas = {node(str("h"), 1, "p")};
  for (std::int64_t i = 0; i < 3000; ++i) {
    ranges.push_back(range(i, i, {node(str("h"), i + 1, "n" + std::to_string(i))}));
    replicas.push_back(node(str("h"), i + 1, "r" + std::to_string(i)));
  }
  EXPECT_EQ(read_cluster_slots(arr(ranges), plainly()).error().code(), errc::protocol);
  EXPECT_EQ(read_cluster_slots(arr({range(0, 9, replicas)}), plainly()).error().code(), errc::protocol);
}

TEST(ClusterSlots, NeverMakeUsWorkForSlotsThatAreClaimedAgainAndAgain) {
  std::vector<reply> ranges(3000, range(0, 16383, {node(str("h"), 1, "a")}));
  EXPECT_EQ(read_cluster_slots(arr(std::move(ranges)), plainly()).error().code(), errc::protocol);
}

TEST(ClusterSlots, OfAServerWithoutAClusterAreUnsupported) {
  for (const char* text :
       {"ERR This instance has cluster support disabled", "ERR unknown command 'CLUSTER', with args beginning with: "}) {
    EXPECT_EQ(read_cluster_slots(err(text), plainly()).error().code(), errc::unsupported);
  }
  EXPECT_EQ(read_cluster_slots(err("NOPERM no"), plainly()).error().code(), errc::auth_failed);
  EXPECT_EQ(read_cluster_slots(err("LOADING x"), plainly()).error().code(), errc::loading);
}

reply shard_node(const char* id, const char* host, std::int64_t port, const char* role, const char* health,
                 std::vector<reply> more = {}) {
  std::vector<reply> all = {str("id"),
                            str(id),
                            str("port"),
                            num(port),
                            str("ip"),
                            str("10.9.9.9"),
                            str("endpoint"),
                            str(host),
                            str("role"),
                            str(role),
                            str("replication-offset"),
                            num(72156),
                            str("health"),
                            str(health)};
  for (reply& each : more) all.push_back(std::move(each));
  return dict(std::move(all));
}
reply shard(std::vector<reply> slots, std::vector<reply> nodes) {
  return dict({str("slots"), arr(std::move(slots)), str("nodes"), arr(std::move(nodes))});
}

TEST(ClusterShards, SayWhoServesASlot) {
  const auto map = read_cluster_shards(
      arr({shard({num(0), num(99), num(200), num(299)},
                 {shard_node("r", "h", 2, "replica", "online"), shard_node("p", "h", 1, "master", "online")}),
           shard({num(100), num(199)}, {shard_node("q", "h", 3, "master", "failed")})}),
      plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(owner(*map, 250), "h:1");
  EXPECT_EQ(owner(*map, 150), "h:3");
  EXPECT_FALSE(map->primary_of(150)->healthy);
  EXPECT_EQ(map->replicas().size(), 1u);
  EXPECT_EQ(map->covered(), 300u);
}

TEST(ClusterShards, PreferThePrimaryThatIsUpToTheOneThatFailed) {
  const auto map = read_cluster_shards(arr({shard({num(0), num(9)}, {shard_node("old", "h", 1, "master", "failed"),
                                                                     shard_node("new", "h", 2, "master", "online")})}),
                                       plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(owner(*map, 0), "h:2");
}

TEST(ClusterShards, WithoutAPrimaryAreAHole) {
  const auto map =
      read_cluster_shards(arr({shard({num(0), num(9)}, {shard_node("r", "h", 1, "replica", "online")})}), plainly());
  ASSERT_TRUE(map);
  EXPECT_EQ(owner(*map, 0), "nobody");
  EXPECT_EQ(map->replicas().size(), 1u);
}

TEST(ClusterShards, HaveAPortOfTheirOwnForTls) {
  const reply both =
      arr({shard({num(0), num(9)}, {shard_node("p", "h", 1, "master", "online", {str("tls-port"), num(2)})})});
  EXPECT_EQ(owner(*read_cluster_shards(both, plainly(true)), 0), "h:2");
  EXPECT_EQ(owner(*read_cluster_shards(both, plainly(false)), 0), "h:1");
  const reply plain_only = arr({shard({num(0), num(9)}, {shard_node("p", "h", 1, "master", "online")})});
  EXPECT_EQ(owner(*read_cluster_shards(plain_only, plainly(true)), 0), "unknown");
}

TEST(ClusterShards, AreReadAsArraysToo) {
  reply flat = shard({num(0), num(9)}, {shard_node("p", "h", 1, "master", "online")});
  flat.kind = reply::type::array;
  flat.items[3].items[0].kind = reply::type::array;
  EXPECT_EQ(owner(*read_cluster_shards(arr({flat}), plainly()), 0), "h:1");
}

TEST(ClusterShards, ThatCannotBeUnderstoodAreAnError) {
  for (const reply& bad : {str("x"), arr({num(1)}), arr({dict({str("slots"), arr({})})}), arr({shard({num(0)}, {})}),
                           arr({shard({num(9), num(3)}, {shard_node("p", "h", 1, "master", "online")})}),
                           arr({shard({num(0), num(3)}, {str("p")})})}) {
    EXPECT_EQ(read_cluster_shards(bad, plainly()).error().code(), errc::protocol);
  }
}

TEST(View, HasEpochAndState) {
  const auto view =
      read_view({three, str("cluster_state:fail\r\ncluster_slots_assigned:16384\r\ncluster_current_epoch:42\r\n"
                            "cluster_my_epoch:7\r\n")},
                plainly());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->epoch, 42u);
  EXPECT_FALSE(view->serving);
}

TEST(View, HasAnUnknownEpochWhereTheServerDoesNotTell) {
  for (const reply& info :
       {err("NOPERM no"), str(""), str("cluster_current_epoch:x\r\n"), str("xcluster_current_epoch:4\r\n"), nil()}) {
    const auto view = read_view({three, info}, plainly());
    ASSERT_TRUE(view);
    EXPECT_EQ(view->epoch, 0u);
    EXPECT_TRUE(view->serving);
  }
}

TEST(View, IsAskedForWithTwoCommands) { EXPECT_EQ(ask_for_view().commands(), view_replies); }

// A map in which each of these letters has an equal part of the slots, at the endpoint of its name.
cluster_map shared(const std::string& letters, const std::string& ids_after = "") {
  cluster_map out;
  const std::size_t part = slot_count / letters.size();
  for (std::size_t i = 0; i < letters.size(); ++i) {
    cluster_node each;
    each.id = letters.substr(i, 1) + ids_after;
    each.at = endpoint(letters.substr(i, 1), 1);
    const std::size_t last = i + 1 == letters.size() ? slot_count - 1u : (i + 1) * part - 1;
    out.assign(slot_range(static_cast<std::uint16_t>(i * part), static_cast<std::uint16_t>(last)), out.add_primary(each));
  }
  return out;
}

cluster_view view(const std::string& letters, std::uint64_t epoch, std::uint64_t asked = 1, bool serving = true) {
  cluster_view out;
  out.map = shared(letters);
  out.epoch = epoch;
  out.asked = asked;
  out.serving = serving;
  return out;
}

using choice = std::optional<std::size_t>;

TEST(ViewChoice, TakesTheHighestEpoch) {
  const std::vector<cluster_view> views = {view("ab", 5), view("ac", 7), view("ab", 5)};
  EXPECT_EQ(choose_view(views, nullptr), choice(1));
}

TEST(ViewChoice, NeverGoesBackToALowerEpoch) {
  const cluster_view known = view("ac", 7);
  EXPECT_EQ(choose_view(std::vector<cluster_view>{view("ab", 5, 9), view("ab", 6, 9)}, &known), std::nullopt);
  EXPECT_EQ(choose_view(std::vector<cluster_view>{view("ab", 5, 9), view("ad", 7, 9)}, &known), choice(1));
}

TEST(ViewChoice, FollowsTheMajorityWhereNoEpochIsKnown) {
  const cluster_view known = view("ab", 0);
  EXPECT_EQ(choose_view(std::vector<cluster_view>{view("ab", 0), view("ac", 0), view("ac", 0)}, &known), choice(1));
}

TEST(ViewChoice, StaysWithTheKnownMapWhenVotesAreEqual) {
  const cluster_view known = view("ab", 0);
  EXPECT_EQ(choose_view(std::vector<cluster_view>{view("ac", 0, 8), view("ab", 0, 7)}, &known), choice(1));
}

TEST(ViewChoice, TrustsNodesThatServeMoreThanThoseThatAreCutOff) {
  EXPECT_EQ(choose_view(std::vector<cluster_view>{view("ab", 9, 1, false), view("ac", 8)}, nullptr), choice(1));
  EXPECT_EQ(choose_view(std::vector<cluster_view>{view("ab", 9, 1, false), view("ac", 8, 1, false)}, nullptr), choice(0));
}

TEST(ViewChoice, NeverTakesAnotherCluster) {
  const cluster_view known = view("ab", 3);
  cluster_view other = view("ab", 99);
  other.map = shared("ab", "of another");
  EXPECT_EQ(choose_view(std::vector<cluster_view>{other}, &known), std::nullopt);
  EXPECT_EQ(choose_view(std::vector<cluster_view>{other}, nullptr), choice(0));
}

TEST(ViewChoice, NeverForgetsAllSlotsForANodeThatWasReset) {
  const cluster_view known = view("ab", 3);
  cluster_view reset;
  reset.epoch = 3;
  EXPECT_EQ(choose_view(std::vector<cluster_view>{reset}, &known), std::nullopt);
}

TEST(ViewChoice, NeverTakesAMapThatContradictsItself) {
  cluster_view twice = view("ab", 9);
  twice.map.assign(slot_range(0, 3), 1);
  EXPECT_EQ(choose_view(std::vector<cluster_view>{twice}, nullptr), std::nullopt);
}

TEST(Map, TellsWhichSlotsChangedHands) {
  EXPECT_TRUE(changed_slots(shared("ab"), shared("ab")).empty());
  EXPECT_EQ(changed_slots(shared("ab"), shared("ac")), (std::vector<slot_range>{{8192, 16383}}));
  EXPECT_EQ(changed_slots(shared("ab"), shared("ba")), (std::vector<slot_range>{{0, 16383}}));
  cluster_map moved_house = three_nodes();
  EXPECT_EQ(changed_slots(cluster_map(), moved_house), (std::vector<slot_range>{{0, 16383}}));
}

TEST(Map, TellsASlotWhosePrimaryIsNowElsewhere) {
  reply elsewhere = three;
  elsewhere.items[1].items[2].items[0] = str("10.0.7.7");
  EXPECT_EQ(changed_slots(three_nodes(), *read_cluster_slots(elsewhere, plainly())),
            (std::vector<slot_range>{{5461, 10922}}));
}

TEST(Map, KnowsStrangersOnlyByIds) {
  EXPECT_TRUE(strangers(shared("ab"), shared("cd")));
  EXPECT_FALSE(strangers(shared("ab"), shared("bc")));
  EXPECT_FALSE(strangers(cluster_map(), shared("ab")));
  cluster_map nameless;
  cluster_node each;
  each.at = endpoint("a", 1);
  nameless.assign(slot_range(0, 9), nameless.add_primary(each));
  EXPECT_FALSE(strangers(nameless, shared("ab")));
}

}  // namespace
}  // namespace mcpstate::redis
