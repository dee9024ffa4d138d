// SPDX-License-Identifier: MIT
// What those who keep connections are told: who else does, what waits for a keeper, who has a connection to a server.
#include <algorithm>
#include <set>

#include "contract/lease_scene.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;

task<fleet> seen_by(store& s, std::string who) {
  auto me = report_of(std::move(who));
  co_return co_await s.leases().beat(std::move(me), long_time);
}

std::string names_of(const fleet& all) {
  std::string out;
  for (const auto& one : all.instances) out += (out.empty() ? "" : " ") + one.name;
  return out;
}

}  // namespace

STORE_TEST(OffersHandedOverConnectionsAtOnceButNoEndedOnes) {
  const managed_name other(session("42"), server("a:b {c}"));
  const auto first = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(first);
  const auto second = co_await taken(on.a, other, "one", long_time, "");
  CO_ASSERT_OK(second);
  const auto held = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(held);
  EXPECT_EQ(held->managed, 2u);
  EXPECT_TRUE(held->unheld.empty());
  CO_ASSERT_OK(co_await on.a.leases().end_lease(*first, lease_end::over));
  CO_ASSERT_OK(co_await on.a.leases().end_lease(*second, lease_end::hand_over));
  const auto waiting = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(waiting);
  EXPECT_EQ(waiting->managed, 1u);
  EXPECT_EQ(waiting->unheld, std::vector<managed_name>{other});
  CO_ASSERT_OK(co_await taken(on.b, other, "two", long_time, ""));
  const auto held_again = co_await seen_by(on.a, "one");
  CO_ASSERT_OK(held_again);
  EXPECT_EQ(held_again->managed, 1u);
  EXPECT_TRUE(held_again->unheld.empty());
}

STORE_TEST(OffersAConnectionWhoseLeaseRanOutUntilItIsEnded) {
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", shortly));
  co_await on.data.pass(past_it);
  const auto waiting = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(waiting);
  EXPECT_EQ(waiting->unheld, std::vector<managed_name>{github()});
  const auto mine = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(mine);
  CO_ASSERT_OK(co_await on.b.leases().end_lease(*mine, lease_end::over));
  const auto done = co_await seen_by(on.a, "one");
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->managed, 0u);
  EXPECT_TRUE(done->unheld.empty());
}

STORE_TEST(DoesNotDelayATakeoverByARefusedTry) {
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", shortly));
  const auto no = co_await refused(on.b, github(), "two");
  CO_ASSERT_OK(no);
  EXPECT_TRUE(*no);
  co_await on.data.pass(past_it);
  const auto waiting = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(waiting);
  EXPECT_EQ(waiting->unheld, std::vector<managed_name>{github()});
}

STORE_TEST(OffersAConnectionAtOnceWhenItsLeaseIsRenewedTooLate) {
  const auto mine = co_await taken(on.a, github(), "one", shortly);
  CO_ASSERT_OK(mine);
  co_await on.data.pass(past_it);
  std::vector<lease> held{*mine};
  const auto lost = co_await on.a.leases().renew_leases(std::move(held), long_time);
  CO_ASSERT_OK(lost);
  EXPECT_EQ(lost->size(), 1u);
  const auto waiting = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(waiting);
  EXPECT_EQ(waiting->unheld, std::vector<managed_name>{github()});
}

// Nobody manages the session's, and nobody would know of the user's.
STORE_TEST(OffersClaimedConnectionsToInstances) {
  details kept;
  kept.managed = true;
  kept.registered = "github";
  kept.transport = "http";
  for (const auto* name : {"kept", "recorded"}) {
    change up(session("9fK"), server(name), status::connected);
    if (std::string_view(name) == "kept") up.set_details(kept);
    CO_ASSERT_OK(co_await on.a.put(std::move(up)));
  }
  CO_ASSERT_OK(co_await on.a.claim(session("9fK"), user("42")));
  const auto nobody = co_await on.b.leases().lease_of(managed_name(user("42"), server("kept")));
  CO_ASSERT_OK(nobody);
  EXPECT_FALSE(*nobody);
  const auto all = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(all);
  const managed_name mine(user("42"), server("kept"));
  EXPECT_EQ(std::count(all->unheld.begin(), all->unheld.end(), mine), 1);
  EXPECT_EQ(std::count(all->unheld.begin(), all->unheld.end(), managed_name(user("42"), server("recorded"))), 0)
      << "what the host records itself is nobody's to keep";
  const auto keeper = co_await taken(on.b, mine, "two", long_time);
  CO_ASSERT_OK(keeper);
  change checked(user("42"), server("kept"), status::connected);
  checked.require_lease(*keeper);
  CO_ASSERT_OK(co_await on.b.put(std::move(checked)));
}

STORE_TEST(CountsInstancesThatReportedLately) {
  auto me = report_of("b", 7);
  const auto alone = co_await on.a.leases().beat(me, long_time);
  CO_ASSERT_OK(alone);
  EXPECT_EQ(alone->instances, std::vector<instance_report>{me});
  auto guest = report_of("a with spaces", 1);
  guest.reach = "sha256:0123";
  const auto both = co_await on.b.leases().beat(guest, shortly);
  CO_ASSERT_OK(both);
  EXPECT_EQ(both->instances, (std::vector<instance_report>{guest, me}));
  co_await on.data.pass(past_it);
  const auto left = co_await seen_by(on.b, "c");
  CO_ASSERT_OK(left);
  EXPECT_EQ(names_of(*left), "b c");
  auto leaving = report_of("b");
  const auto after = co_await on.a.leases().beat(std::move(leaving), 0ms);
  CO_ASSERT_OK(after);
  EXPECT_EQ(names_of(*after), "c");
}

// However few of its beats are written.
STORE_TEST(SeesAnInstanceForAsLongAsItBeats) {
  const auto pause = std::chrono::milliseconds(shortly) / 4;
  for (int i = 0; i < 8; ++i) {
    auto me = report_of("b", 3);
    CO_ASSERT_OK(co_await on.a.leases().beat(std::move(me), shortly));
    co_await on.data.pass(pause);
    const auto all = co_await seen_by(on.b, "c");
    CO_ASSERT_OK(all);
    EXPECT_EQ(names_of(*all), "b c");
  }
  co_await on.data.pass(past_it);
  const auto after = co_await seen_by(on.b, "c");
  CO_ASSERT_OK(after);
  EXPECT_EQ(names_of(*after), "c");
}

STORE_TEST(SeesAtOnceWhatAnInstanceReportsNewly) {
  for (const std::uint64_t managed : {1u, 2u, 1u}) {
    const auto me = report_of("b", managed);
    CO_ASSERT_OK(co_await on.a.leases().beat(me, long_time));
    const auto all = co_await seen_by(on.b, "c");
    CO_ASSERT_OK(all);
    EXPECT_EQ(all->instances.front(), me);
  }
  auto moved = report_of("b", 1);
  moved.address = "http://127.0.0.1:1";
  CO_ASSERT_OK(co_await on.a.leases().beat(moved, long_time));
  const auto all = co_await seen_by(on.b, "c");
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->instances.front(), moved);
  auto shorter = report_of("b", 1);
  CO_ASSERT_OK(co_await on.a.leases().beat(std::move(shorter), shortly));
  co_await on.data.pass(past_it);
  const auto after = co_await seen_by(on.b, "c");
  CO_ASSERT_OK(after);
  EXPECT_EQ(names_of(*after), "c") << "it said that it would be there for less";
}

STORE_TEST(FindsAllManagedConnectionsOfAServer) {
  std::set<managed_name> expected;
  for (int i = 0; i < 600; ++i) {
    const managed_name what(user(std::to_string(i)), server(i % 2 == 0 ? "mine" : "of:mine"));
    CO_ASSERT_OK(co_await taken(on.a, what, "one", long_time, "github"));
    expected.insert(what);
  }
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", long_time, "git"));
  const auto gone = co_await taken(on.a, managed_name(user("over"), server("x")), "one", long_time, "github");
  CO_ASSERT_OK(gone);
  CO_ASSERT_OK(co_await on.a.leases().end_lease(*gone, lease_end::over));
  std::set<managed_name> found;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = co_await on.b.leases().managed_of("github", cursor);
    CO_ASSERT_OK(page);
    found.insert(page->names.begin(), page->names.end());
    cursor = page->cursor;
    ++pages;
  } while (!cursor.empty());
  EXPECT_GT(pages, 1);
  EXPECT_TRUE(found == expected) << found.size();
  const auto none = co_await on.b.leases().managed_of("nothing", "");
  CO_ASSERT_OK(none);
  EXPECT_TRUE(none->names.empty());
  EXPECT_EQ(none->cursor, "");
}

STORE_TEST(RenewsAThousandLeasesInOneCall) {
  std::vector<lease> held;
  for (int i = 0; i < 1000; ++i) {
    const auto one = co_await taken(on.a, managed_name(user(std::to_string(i)), server("github")), "one", long_time);
    CO_ASSERT_OK(one);
    held.push_back(*one);
  }
  std::vector<lease> gone{held[17], held[503]};
  for (const auto& one : gone) CO_ASSERT_OK(co_await on.b.leases().end_lease(one, lease_end::hand_over));
  const auto lost = co_await on.a.leases().renew_leases(std::move(held), long_time);
  CO_ASSERT_OK(lost);
  EXPECT_EQ(*lost, gone);
  const auto all = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->managed, 1000u);
}

STORE_TEST(OffersAtMost256ConnectionsAtATime) {
  for (int i = 0; i < 600; ++i) {
    const auto one = co_await taken(on.a, managed_name(user(std::to_string(i)), server("github")), "one", long_time);
    CO_ASSERT_OK(one);
    CO_ASSERT_OK(co_await on.a.leases().end_lease(*one, lease_end::hand_over));
  }
  const auto all = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->managed, 600u);
  EXPECT_GT(all->unheld.size(), 200u);
  EXPECT_LE(all->unheld.size(), 256u);
}

STORE_TEST_WITH(ForgetsManagedConnectionsThatNobodyTookForALifetime, some_seconds()) {
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", shortly));
  co_await on.data.pass(4s);
  const auto none = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(none);
  EXPECT_EQ(none->managed, 0u);
  EXPECT_TRUE(none->unheld.empty());
}

STORE_TEST(HasNoFindingsAboutLeases) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected));
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", long_time));
  const auto waiting = co_await taken(on.a, managed_name(user("1"), server("x")), "one", long_time);
  CO_ASSERT_OK(waiting);
  CO_ASSERT_OK(co_await on.a.leases().end_lease(*waiting, lease_end::hand_over));
  CO_ASSERT_OK(co_await seen_by(on.a, "one"));
  const auto found = co_await on.b.examine(false, nullptr);
  CO_ASSERT_OK(found);
  for (const auto& f : *found) {
    EXPECT_NE(f.severity, finding::level::problem) << f.check << " " << f.text;
    EXPECT_NE(f.check, "unknown_keys");
    EXPECT_NE(f.check, "no_expiry");
  }
}

}  // namespace mcpstate::test
