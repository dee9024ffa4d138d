// SPDX-License-Identifier: MIT
#include "redis/server_hello.hh"

#include <gtest/gtest.h>

#include <string>

namespace mcpstate::redis {
namespace {

using kind = expected_server::kind;

server_hello hello_as(const std::string& mode, const std::string& role) {
  server_hello out;
  out.server = "redis";
  out.version = "7.0.15";
  out.mode = mode;
  out.role = role;
  return out;
}

struct judgement {
  const char* name;
  const char* mode;
  const char* role;
  kind expected;
  bool replica_allowed;
  errc refused;      // bug: it is taken
  const char* says;  // in the refusal
};

constexpr errc taken = errc::bug;
constexpr judgement judgements[] = {
    {"a primary", "standalone", "master", kind::standalone, false, taken, ""},
    {"a server that says little", "", "", kind::standalone, false, taken, ""},
    {"a replica", "standalone", "replica", kind::standalone, false, errc::read_only, "is a replica"},
    {"a replica, by its old name", "standalone", "slave", kind::standalone, false, errc::read_only, "is a replica"},
    {"a replica where one will do", "standalone", "replica", kind::standalone, true, taken, ""},
    {"a node", "cluster", "master", kind::standalone, false, errc::unsupported, "node of a Redis Cluster"},
    {"a replica of a cluster", "cluster", "replica", kind::standalone, true, errc::unsupported, "node of a Redis Cluster"},
    {"a Sentinel", "sentinel", "sentinel", kind::standalone, false, errc::unsupported, "Sentinel"},
    {"a Sentinel where a node belongs", "sentinel", "sentinel", kind::cluster_node, true, errc::unsupported, "Sentinel"},
    {"a node as wanted", "cluster", "master", kind::cluster_node, false, taken, ""},
    {"a replica node as wanted", "cluster", "slave", kind::cluster_node, true, taken, ""},
    {"a replica node that is not", "cluster", "slave", kind::cluster_node, false, errc::read_only, "is a replica"},
    {"a server alone as a node", "standalone", "master", kind::cluster_node, true, errc::unsupported,
     "no node of a cluster"},
    {"a Sentinel as wanted", "sentinel", "sentinel", kind::sentinel, false, taken, ""},
    {"no Sentinel", "standalone", "master", kind::sentinel, false, errc::unsupported, "no Sentinel"},
    {"anything", "sentinel", "sentinel", kind::any, false, taken, ""},
    {"any replica", "cluster", "replica", kind::any, false, taken, ""},
};

TEST(ServerHello, IsJudgedByModeAndRole) {
  for (const judgement& each : judgements) {
    SCOPED_TRACE(each.name);
    const auto refused = judge(hello_as(each.mode, each.role), expected_server(each.expected, each.replica_allowed));
    EXPECT_EQ(refused.has_value(), each.refused != taken);
    if (!refused) continue;
    EXPECT_EQ(name_of(refused->code()), name_of(each.refused));
    EXPECT_TRUE(refused->is(cond::unavailable));
    EXPECT_NE(refused->detail().find(each.says), std::string::npos) << refused->detail();
    EXPECT_NE(refused->detail().find("; "), std::string::npos) << "it says what to do: " << refused->detail();
  }
}

TEST(ServerHello, IsReadFromAMapAndFromNothingElse) {
  reply map;
  map.kind = reply::type::map;
  for (const char* each : {"server", "valkey", "mode", "cluster", "role", "replica", "odd"}) {
    reply item;
    item.kind = reply::type::string;
    item.text = each;
    map.items.push_back(item);
  }
  const auto found = read_hello(map);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->server, "valkey");
  EXPECT_EQ(found->mode, "cluster");
  EXPECT_TRUE(is_replica(*found));
  EXPECT_EQ(found->version, "");
  map.kind = reply::type::array;
  EXPECT_FALSE(read_hello(map));
  EXPECT_FALSE(read_hello(reply()));
}

}  // namespace
}  // namespace mcpstate::redis
