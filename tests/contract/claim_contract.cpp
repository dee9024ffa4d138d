// SPDX-License-Identifier: MIT
#include <algorithm>

#include "contract/store_contract.hh"

namespace mcpstate::test {

// Every pair of states: the user's record wins if it is CONNECTED, else the session's.
STORE_TEST(MergesClaimedRecordsByRule) {
  const std::optional<status> states[] = {std::nullopt,      status::disconnected,  status::connecting,
                                          status::connected, status::auth_required, status::failed};
  int n = 0;
  for (const auto& sessions : states) {
    for (const auto& users : states) {
      const auto s = session("s" + std::to_string(n)), u = user("u" + std::to_string(n));
      ++n;
      std::uint64_t largest = 0;
      if (sessions) {
        const auto w = co_await write(on.a, s, server("x"), *sessions, *sessions == status::disconnected ? "" : "[1]");
        CO_ASSERT_OK(w);
        largest = w->revision;
      }
      std::uint64_t users_revision = 0;
      if (users) {
        const auto w = co_await write(on.a, u, server("x"), *users, *users == status::disconnected ? "" : "[2]");
        CO_ASSERT_OK(w);
        users_revision = w->revision;
        largest = std::max(largest, users_revision);
      }
      const auto claimed = co_await on.b.claim(s, u);
      CO_ASSERT_OK(claimed);
      const bool moves = sessions && users != status::connected;
      EXPECT_EQ(claimed->moved.size(), moves ? 1u : 0u);
      EXPECT_EQ(claimed->kept.size(), sessions && !moves ? 1u : 0u);
      const auto left = co_await on.a.list(s, tools_wanted::no);
      CO_ASSERT_OK(left);
      EXPECT_TRUE((*left)->empty());
      const auto got = co_await on.a.get(u, server("x"), tools_wanted::yes);
      CO_ASSERT_OK(got);
      const auto expected = moves ? sessions : users;
      CO_ASSERT_EQ(got->has_value(), expected.has_value());
      if (!expected) continue;
      EXPECT_EQ((*got)->state, *expected);
      EXPECT_EQ((*got)->tools != nullptr, *expected != status::disconnected);
      if ((*got)->tools) {
        EXPECT_EQ(*(*got)->tools, moves ? "[1]" : "[2]");
      }
      if (moves) {
        EXPECT_GT((*got)->revision, largest);
      } else {
        EXPECT_EQ((*got)->revision, users_revision);
      }
      EXPECT_TRUE((*got)->problems.empty());
    }
  }
}

STORE_TEST(MovesWholeRecordsInAClaim) {
  details d;
  d.url = "https://example.org/mcp";
  d.transport = "http";
  d.managed = true;
  change up(session("s"), server("a:b"), status::connected);
  up.set_details(d).tools(tools(" [ {\"name\" : \"t\"} ] "));
  const auto was = co_await on.a.put(std::move(up));
  CO_ASSERT_OK(was);
  CO_ASSERT_OK(co_await write(on.a, session("s"), server("b"), status::connected));
  CO_ASSERT_OK(co_await write(on.a, user("u"), server("b"), status::connected));
  CO_ASSERT_OK(co_await write(on.a, user("u"), server("c"), status::failed));
  const auto claimed = co_await on.b.claim(session("s"), user("u"));
  CO_ASSERT_OK(claimed);
  CO_ASSERT_EQ(claimed->moved, std::vector<std::string>(1, "a:b"));
  CO_ASSERT_EQ(claimed->kept, std::vector<std::string>(1, "b"));
  const auto got = co_await read(on.a, user("u"), server("a:b"));
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->connected_at, was->connected_at);
  details expected = was->info;
  expected.claimed_from = std::to_string(was->revision) + " session:s";
  EXPECT_EQ(got->info, expected);
  CO_ASSERT_TRUE(got->tools);
  EXPECT_EQ(*got->tools, " [ {\"name\" : \"t\"} ] ");
  const auto all = co_await on.a.list(user("u"), tools_wanted::no);
  CO_ASSERT_OK(all);
  EXPECT_EQ(names_of((*all)->records()), "a:b b c");
}

STORE_TEST(AcceptsARepeatedClaim) {
  CO_ASSERT_OK(co_await write(on.a, session("s"), server("a"), status::connected));
  CO_ASSERT_OK(co_await on.a.claim(session("s"), user("u")));
  const auto first = co_await read(on.a, user("u"), server("a"));
  CO_ASSERT_OK(first);
  const auto again = co_await on.b.claim(session("s"), user("u"));
  CO_ASSERT_OK(again);
  EXPECT_TRUE(again->moved.empty() && again->kept.empty());
  const auto second = co_await read(on.b, user("u"), server("a"));
  CO_ASSERT_OK(second);
  EXPECT_EQ(second->revision, first->revision);
}

STORE_TEST(LeavesOthersAloneInAClaim) {
  CO_ASSERT_OK(co_await write(on.a, session("s"), server("a"), status::connected));
  CO_ASSERT_OK(co_await write(on.a, session("s2"), server("a"), status::connected));
  CO_ASSERT_OK(co_await write(on.a, user("s"), server("a"), status::failed));
  CO_ASSERT_OK(co_await on.b.claim(session("s"), user("u")));
  for (const auto& who : {session("s2"), user("s"), user("u")}) {
    const auto all = co_await on.a.list(who, tools_wanted::no);
    CO_ASSERT_OK(all);
    EXPECT_EQ(names_of((*all)->records()), "a") << who.text();
  }
}

STORE_TEST(RefusesAWriteBasedOnAClaimedRecord) {
  const auto seen = co_await write(on.a, session("s"), server("a"), status::connected);
  CO_ASSERT_OK(seen);
  CO_ASSERT_OK(co_await on.b.claim(session("s"), user("u")));
  change late(*seen, status::failed);
  const auto refused = co_await on.a.put(std::move(late));
  EXPECT_TRUE(!refused && refused.error().is(cond::conflict));
}

STORE_TEST(ClaimsOnlyFromASessionToAUser) {
  const auto backwards = co_await on.a.claim(user("u"), session("s"));
  EXPECT_TRUE(!backwards && backwards.error().is(cond::invalid));
  const auto sideways = co_await on.a.claim(session("s"), session("t"));
  EXPECT_TRUE(!sideways && sideways.error().is(cond::invalid));
}

}  // namespace mcpstate::test
