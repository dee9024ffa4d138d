// SPDX-License-Identifier: MIT
#include "redis/topology/redirect.hh"

#include <gtest/gtest.h>

#include "unit/redis/topology/replies.hh"

namespace mcpstate::redis {
namespace {

using naming = announced_endpoint::naming;

refusal_kind kind_of(const char* text) { return read_refusal(err(text)).kind; }

TEST(Redirect, NamesSlotAndNode) {
  const refusal moved = read_refusal(err("MOVED 3999 127.0.0.1:6381"));
  EXPECT_EQ(moved.kind, refusal_kind::moved);
  EXPECT_EQ(moved.slot, 3999);
  EXPECT_EQ(moved.target.kind, naming::given);
  EXPECT_EQ(moved.target.host, "127.0.0.1");
  EXPECT_EQ(moved.target.port, 6381);
  const refusal ask = read_refusal(err("ASK 16383 redis-2.example:6379"));
  EXPECT_EQ(ask.kind, refusal_kind::ask);
  EXPECT_EQ(ask.slot, 16383);
  EXPECT_EQ(ask.target.host, "redis-2.example");
}

TEST(Redirect, ReachesNodesByIpv6AndOnTheSameHost) {
  EXPECT_EQ(read_refusal(err("MOVED 1 ::1:6381")).target.host, "::1");
  EXPECT_EQ(read_refusal(err("MOVED 1 :6379")).target.kind, naming::same_host);
  EXPECT_EQ(read_refusal(err("MOVED 1 ?:6379")).target.kind, naming::unknown);
}

// The command has not run all the same: only the target is not known.
TEST(Redirect, WhoseWordsCannotBeUnderstoodHasNoTarget) {
  for (const char* text : {"MOVED", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED x 127.0.0.1:1", "MOVED 16384 127.0.0.1:1",
                           "MOVED -1 127.0.0.1:1", "MOVED  1 127.0.0.1:1", "MOVED 1 127.0.0.1", "MOVED 1 127.0.0.1:1 more",
                           "MOVED 1 127.0.0.1:99999", "MOVED 99999999999999999999 a:1"}) {
    const refusal seen = read_refusal(err(text));
    EXPECT_EQ(seen.kind, refusal_kind::moved) << text;
    EXPECT_EQ(seen.target.kind, naming::unknown) << text;
  }
}

TEST(Refusal, IsToldByTheFirstWord) {
  EXPECT_EQ(kind_of("TRYAGAIN Multiple keys request during rehashing of slot"), refusal_kind::try_again);
  EXPECT_EQ(kind_of("CLUSTERDOWN Hash slot not served"), refusal_kind::cluster_down);
  EXPECT_EQ(kind_of("CLUSTERDOWN The cluster is down"), refusal_kind::cluster_down);
  EXPECT_EQ(kind_of("CROSSSLOT Keys in request don't hash to the same slot"), refusal_kind::cross_slot);
  EXPECT_EQ(kind_of("LOADING Redis is loading the dataset in memory"), refusal_kind::loading);
  EXPECT_EQ(kind_of("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
            refusal_kind::master_down);
  EXPECT_EQ(kind_of("READONLY You can't write against a read only replica."), refusal_kind::read_only);
  EXPECT_EQ(kind_of("NOREPLICAS Not enough good replicas to write."), refusal_kind::no_replicas);
  EXPECT_EQ(kind_of("BUSY Redis is busy running a script."), refusal_kind::busy);
  EXPECT_EQ(kind_of("ERR max number of clients reached"), refusal_kind::too_many_clients);
  EXPECT_EQ(kind_of("ERR max number of clients + cluster connections reached"), refusal_kind::too_many_clients);
}

TEST(Refusal, OfAScriptThatRanIsToldApart) {
  EXPECT_EQ(kind_of("ERR Script attempted to access a non local key in a cluster node script: 1fe, on @user_script:3."),
            refusal_kind::interrupted);
  EXPECT_EQ(kind_of("ERR Script attempted to execute a command while the cluster is down script: 1fe, on @user_script:3."),
            refusal_kind::interrupted);
  EXPECT_EQ(kind_of("ERR Script attempted to access keys that do not hash to the same slot script: 1fe"),
            refusal_kind::interrupted);
}

TEST(Refusal, IsNoOtherError) {
  for (const char* text : {"", "ERR", "ERR syntax error", "MOVEDX 1 a:1", "moved 1 a:1", "ASKING",
                           "BUSYGROUP Consumer Group name", "BUSYKEY Target key name already exists.", "WRONGTYPE Operation",
                           "OOM command not allowed", "NOSCRIPT No matching script.", "NOPERM this user", "MISCONF Errors",
                           "ERR unknown command 'MOVED'", "ERR the max number of clients"}) {
    EXPECT_EQ(kind_of(text), refusal_kind::none) << text;
  }
}

TEST(Refusal, IsNeverAnAnswer) {
  EXPECT_EQ(read_refusal(str("MOVED 1 a:1")).kind, refusal_kind::none);
  EXPECT_EQ(read_refusal(arr({err("MOVED 1 a:1")})).kind, refusal_kind::none);
  EXPECT_EQ(read_refusal(nil()).kind, refusal_kind::none);
}

TEST(Refusal, HasWordsAndACodeThatClaimNothing) {
  for (int i = 1; i <= static_cast<int>(refusal_kind::too_many_clients); ++i) {
    const auto kind = static_cast<refusal_kind>(i);
    EXPECT_FALSE(words_of(kind).empty());
    if (kind == refusal_kind::cross_slot) continue;
    EXPECT_EQ(condition_of(code_of(kind)), cond::unavailable) << words_of(kind);
  }
  EXPECT_EQ(code_of(refusal_kind::interrupted), errc::outcome_unknown);
  EXPECT_EQ(code_of(refusal_kind::cross_slot), errc::bug);
}

}  // namespace
}  // namespace mcpstate::redis
