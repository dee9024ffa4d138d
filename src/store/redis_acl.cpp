// SPDX-License-Identifier: MIT
#include "store/redis_acl.hh"

#include <algorithm>
#include <array>
#include <utility>

namespace mcpstate {

namespace {

constexpr std::string_view reading = "records are read with it", writing = "records are written with it";
constexpr std::string_view sharing = "processes share managed connections with it", scripts = "no script of ours runs";

constexpr std::array all_transaction_rights{
    acl_right{"multi", "doctor reads records with it", "MULTI"},
    acl_right{"exec", "doctor reads records with it", "EXEC"},
};

constexpr std::array all_store_rights{
    acl_right{"ping", "dead connections are found with it", "PING"},
    acl_right{"select", "databases other than 0 cannot be chosen", "SELECT 0"},
    acl_right{"client|setname", "connections have no name in CLIENT LIST", "CLIENT SETNAME mcpstate"},
    acl_right{"client|tracking", "watch sees no change", "CLIENT TRACKING OFF"},
    acl_right{"time", "the clock that decides expiry is not known: nothing opens", "TIME"},
    acl_right{"info", "stats and doctor know nothing of the server", "INFO"},
    acl_right{"acl|whoami", "doctor does not know whose rights it tries", "ACL WHOAMI"},
    acl_right{"script|load", "each start is refused it, and scripts are sent as text", "SCRIPT LOAD return"},
    acl_right{"eval", scripts, "EVAL return 0"},
    acl_right{"evalsha", scripts, "EVALSHA 0 0"},
    acl_right{"scan", "list of all owners, stats, doctor and clear --all see nothing", "SCAN 0"},
    acl_right{"get", reading, "GET @"},
    acl_right{"mget", reading, "MGET @"},
    acl_right{"getrange", reading, "GETRANGE @ 0 0"},
    acl_right{"strlen", "limits are checked, and bytes counted, with it", "STRLEN @"},
    acl_right{"set", writing, "SET @ 0"},
    acl_right{"setrange", writing, "SETRANGE @ 0 0"},
    acl_right{"rename", "tools are written with it", "RENAME @ @"},
    acl_right{"del", writing, "DEL @"},
    acl_right{"unlink", "records are erased with it", "UNLINK @"},
    acl_right{"exists", reading, "EXISTS @"},
    acl_right{"type", "keys of wrong types are found with it", "TYPE @"},
    acl_right{"pttl", "expiry is read with it", "PTTL @"},
    acl_right{"pexpireat", "expiry is renewed with it", "PEXPIREAT @ 0"},
    acl_right{"pexpiretime", "expiry is read with it", "PEXPIRETIME @"},
    acl_right{"sadd", writing, "SADD @ 0"},
    acl_right{"srem", writing, "SREM @ 0"},
    acl_right{"sismember", reading, "SISMEMBER @ 0"},
    acl_right{"smembers", reading, "SMEMBERS @"},
    acl_right{"sscan", "doctor walks the names of an owner with it", "SSCAN @ 0"},
    acl_right{"sdiff", reading, "SDIFF @"},
    acl_right{"sunion", reading, "SUNION @"},
    acl_right{"zrange", "doctor and processes read the index of managed connections with it", "ZRANGE @ 0 0"},
    acl_right{"zadd", sharing, "ZADD @ 0 0", true},
    acl_right{"zrem", sharing, "ZREM @ 0", true},
    acl_right{"zcard", sharing, "ZCARD @", true},
    acl_right{"hset", sharing, "HSET @ 0 0", true},
    acl_right{"hdel", sharing, "HDEL @ 0", true},
    acl_right{"hgetall", sharing, "HGETALL @", true},
};

constexpr std::array all_cluster_rights{
    acl_right{"cluster|slots", "the nodes of the slots are found with it", "CLUSTER SLOTS"},
    acl_right{"cluster|myid", "nodes are told apart with it", "CLUSTER MYID"},
    acl_right{"cluster|info", "the epoch of the slots is read with it", "CLUSTER INFO"},
    acl_right{"cluster|nodes", "lists of all owners fail", "CLUSTER NODES"},
    acl_right{"cluster|getkeysinslot", "lists of all owners fail while slots are being moved", "CLUSTER GETKEYSINSLOT 0 1"},
    acl_right{"hget", "sessions cannot be claimed", "HGET @ 0"},
    acl_right{"hlen", "sessions cannot be claimed", "HLEN @"},
    acl_right{"scard", "sessions cannot be claimed", "SCARD @"},
    acl_right{"asking", "owners whose slot is being moved cannot be reached", "ASKING"},
};

constexpr std::array all_primary_rights{
    acl_right{"role", "the primary that Sentinels name is not believed", "ROLE"},
};

constexpr std::array all_durable_rights{
    acl_right{"role", "the replicas that must confirm a change are not known", "ROLE"},
    acl_right{"wait", "no change is confirmed by replicas", "WAIT 0 0"},
};

constexpr std::array all_sentinel_rights{
    acl_right{"ping", "dead connections are found with it", "PING"},
    acl_right{"client|setname", "connections have no name in CLIENT LIST", "CLIENT SETNAME mcpstate"},
    acl_right{"subscribe", "a failover is heard of late", "SUBSCRIBE +switch-master"},
    acl_right{"sentinel|get-master-addr-by-name", "the primary is found with it", "SENTINEL GET-MASTER-ADDR-BY-NAME 0"},
    acl_right{"sentinel|master", "the state of the primary is read with it", "SENTINEL MASTER 0"},
    acl_right{"sentinel|sentinels", "the other Sentinels are found with it", "SENTINEL SENTINELS 0"},
    acl_right{"sentinel|myid", "Sentinels are told apart with it", "SENTINEL MYID"},
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == ' ')
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

void append(std::vector<std::string>& rules, std::span<const acl_right> rights) {
  for (const auto& one : rights) {
    std::string rule = "+" + std::string(one.name);
    if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(std::move(rule));
  }
}

}  // namespace

std::span<const acl_right> transaction_rights() { return all_transaction_rights; }

std::vector<acl_right> store_rights(store_url::topology servers, bool durable) {
  std::vector<acl_right> out(all_store_rights.begin(), all_store_rights.end());
  const auto add = [&out](std::span<const acl_right> more) { out.insert(out.end(), more.begin(), more.end()); };
  if (servers == store_url::topology::cluster) add(all_cluster_rights);
  if (servers == store_url::topology::sentinel) add(all_primary_rights);
  if (durable) add(all_durable_rights);
  return out;
}

std::vector<std::string> trial_words(const acl_right& one, const std::string& key) {
  auto out = words_of(one.trial);
  for (auto& word : out)
    if (word == "@") word = key;
  return out;
}

acl_rules least_rules(store_url::topology servers, bool durable, const std::string& prefix) {
  acl_rules out;
  out.server = {"~" + prefix + ":*", "resetchannels"};
  append(out.server, all_transaction_rights);
  append(out.server, store_rights(servers, durable));
  if (servers != store_url::topology::sentinel) return out;
  out.sentinel = {"resetchannels", "&+switch-master"};
  append(out.sentinel, all_sentinel_rights);
  return out;
}

}  // namespace mcpstate
