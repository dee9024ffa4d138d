// SPDX-License-Identifier: MIT
// What a claim does with leases: whoever managed a connection of the session goes on at the user, and nobody else loses one.
#include <algorithm>

#include "contract/lease_scene.hh"

namespace mcpstate::test {
namespace {

managed_name visitors() { return managed_name(session("9fK"), server("github")); }

// A managed record; registered as github.
task<connection> managed(store& by, owner who, status state) {
  details info;
  info.managed = true;
  info.registered = "github";
  change out(std::move(who), server("github"), state);
  out.set_details(std::move(info));
  co_return co_await by.put(std::move(out));
}

// The lease of a connection, which has to be there.
task<lease> running(store& by, managed_name name) {
  MCPSTATE_CO_TRY(got, co_await by.leases().lease_of(std::move(name)));
  if (!got) co_return error(errc::lease_lost, "nobody has it");
  co_return std::move(*got);
}

task<bool> is_unheld(store& by, managed_name name) {
  MCPSTATE_CO_TRY(all, co_await by.leases().beat(report_of("looks"), long_time));
  co_return std::count(all.unheld.begin(), all.unheld.end(), name) == 1;
}

task<bool> is_indexed(store& by, managed_name name) {
  const std::string start;
  MCPSTATE_CO_TRY(page, co_await by.leases().managed_of("github", start));
  co_return std::count(page.names.begin(), page.names.end(), name) == 1;
}

task<bool> is_refused_under(store& by, lease old) {
  change late(old.name.owner, old.name.server, status::failed);
  late.require_lease(std::move(old));
  auto written = co_await by.put(std::move(late));
  if (written) co_return false;
  if (written.error().code() != errc::lease_lost) co_return written.error();
  co_return true;
}

#define CO_EXPECT_IS(EXPRESSION, EXPECTED)    \
  do {                                        \
    const auto answer_ = co_await EXPRESSION; \
    CO_ASSERT_OK(answer_);                    \
    EXPECT_EQ(*answer_, EXPECTED);            \
  } while (false)

STORE_TEST(LeavesAClaimedConnectionToItsHolder) {
  CO_ASSERT_OK(co_await managed(on.a, session("9fK"), status::connected));
  const auto before = co_await taken(on.a, visitors(), "one", long_time);
  CO_ASSERT_OK(before);
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  const auto after = co_await running(on.a, github());
  CO_ASSERT_OK(after);
  EXPECT_EQ(after->holder, "one");
  EXPECT_EQ(after->number, before->number + 1);
  CO_EXPECT_IS(is_unheld(on.b, github()), false);
  CO_EXPECT_IS(is_indexed(on.b, github()), true);
  CO_EXPECT_IS(is_indexed(on.b, visitors()), false);
  CO_EXPECT_IS(refused(on.b, github(), "two"), true);
  CO_EXPECT_IS(is_refused_under(on.a, *before), true);
  std::vector<lease> both{*before, *after};
  const auto lost = co_await on.a.leases().renew_leases(both, long_time);
  CO_ASSERT_OK(lost);
  EXPECT_EQ(*lost, std::vector<lease>{*before});
  change checked(user("42"), server("github"), status::connected);
  checked.require_lease(*after);
  CO_ASSERT_OK(co_await on.a.put(std::move(checked)));
}

STORE_TEST(TellsTheHolderWhereAClaimHasMovedAConnection) {
  CO_ASSERT_OK(co_await managed(on.a, session("9fK"), status::connecting));
  CO_ASSERT_OK(co_await taken(on.a, visitors(), "one", long_time));
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  const auto note = co_await running(on.a, visitors());
  CO_ASSERT_OK(note);
  EXPECT_EQ(claimed_user(note->holder), user("42"));
  EXPECT_FALSE(claimed_user("one"));
  CO_EXPECT_IS(is_unheld(on.b, visitors()), false);
}

// The holder may have died, or be of a version that does not follow.
STORE_TEST(OffersAClaimedConnectionThatItsHolderLeaves) {
  CO_ASSERT_OK(co_await managed(on.a, session("9fK"), status::connected));
  CO_ASSERT_OK(co_await taken(on.a, visitors(), "one", long_time));
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  co_await on.data.pass(claim_grace + std::chrono::milliseconds(100));
  CO_EXPECT_IS(is_unheld(on.b, github()), true);
  CO_EXPECT_IS(is_unheld(on.b, visitors()), false);
  const auto none = co_await on.a.leases().lease_of(visitors());
  CO_ASSERT_OK(none);
  EXPECT_FALSE(*none);
  CO_ASSERT_OK(co_await taken(on.b, github(), "two", long_time));
}

STORE_TEST(LeavesNoClaimedConnectionToAHolderWhoseLeaseRanOut) {
  CO_ASSERT_OK(co_await managed(on.a, session("9fK"), status::connected));
  CO_ASSERT_OK(co_await taken(on.a, visitors(), "one", shortly));
  co_await on.data.pass(past_it);
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  const auto none = co_await on.a.leases().lease_of(github());
  CO_ASSERT_OK(none);
  EXPECT_FALSE(*none);
  CO_EXPECT_IS(is_unheld(on.b, github()), true);
}

// The record of the session wins, and so does whoever has its session with the server.
STORE_TEST(GivesTheHolderOfAWinningRecordTheLeaseOfTheOther) {
  CO_ASSERT_OK(co_await managed(on.a, session("9fK"), status::connected));
  CO_ASSERT_OK(co_await managed(on.a, user("42"), status::failed));
  const auto theirs = co_await taken(on.a, visitors(), "one", long_time);
  CO_ASSERT_OK(theirs);
  const auto users = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(users);
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  const auto after = co_await running(on.a, github());
  CO_ASSERT_OK(after);
  EXPECT_EQ(after->holder, "one");
  EXPECT_GT(after->number, std::max(theirs->number, users->number));
  CO_EXPECT_IS(is_refused_under(on.b, *users), true);
}

STORE_TEST(LeavesTheLeaseOfARecordThatWinsAgainstAClaim) {
  CO_ASSERT_OK(co_await managed(on.a, session("9fK"), status::connected));
  CO_ASSERT_OK(co_await managed(on.a, user("42"), status::connected));
  CO_ASSERT_OK(co_await taken(on.a, visitors(), "one", long_time));
  const auto users = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(users);
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  CO_EXPECT_IS(running(on.a, github()), *users);
  const auto none = co_await on.a.leases().lease_of(visitors());
  CO_ASSERT_OK(none);
  EXPECT_FALSE(*none);
  CO_EXPECT_IS(is_indexed(on.b, visitors()), false);
}

// Nobody holds the session's, somebody the user's: that one sees the record.
STORE_TEST(LeavesTheLeaseOfTheUserWhereNobodyHoldsThatOfTheSession) {
  CO_ASSERT_OK(co_await managed(on.a, session("9fK"), status::connected));
  CO_ASSERT_OK(co_await managed(on.a, user("42"), status::failed));
  const auto users = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(users);
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  CO_EXPECT_IS(running(on.a, github()), *users);
  CO_EXPECT_IS(is_unheld(on.b, github()), false);
}

STORE_TEST(GivesNoLeaseForAClaimedRecordThatNobodyManages) {
  CO_ASSERT_OK(co_await write(on.a, session("9fK"), server("github"), status::connected));
  CO_ASSERT_OK(co_await taken(on.a, visitors(), "one", long_time));
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  const auto none = co_await on.a.leases().lease_of(github());
  CO_ASSERT_OK(none);
  EXPECT_FALSE(*none);
  CO_EXPECT_IS(is_unheld(on.b, github()), false);
}

STORE_TEST(LetsASessionConnectAgainAtOnceAfterAClaim) {
  CO_ASSERT_OK(co_await managed(on.a, session("9fK"), status::connected));
  CO_ASSERT_OK(co_await taken(on.a, visitors(), "one", long_time));
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  change again(session("9fK"), server("github"), status::connecting);
  lease_request wanted("two", "github", long_time);
  const auto ordered = co_await on.a.order(std::move(again), std::move(wanted));
  CO_ASSERT_OK(ordered);
  EXPECT_EQ(ordered->granted.holder, "two");
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("43")));
  CO_ASSERT_OK(co_await taken(on.a, visitors(), "three", long_time));
}

// What a claim of an older version left when its process died: a managed record without a lease, in no index.
STORE_TEST(FindsAnInstanceForWhatNobodyManagesInARepeatedClaim) {
  CO_ASSERT_OK(co_await managed(on.a, user("42"), status::connected));
  CO_EXPECT_IS(is_unheld(on.b, github()), false);
  const auto again = co_await on.a.claim(session("9fK"), user("42"));
  CO_ASSERT_OK(again);
  EXPECT_TRUE(again->moved.empty() && again->kept.empty());
  CO_EXPECT_IS(is_unheld(on.b, github()), true);
}

STORE_TEST(HasNoFindingsAfterAClaimOfManagedConnections) {
  CO_ASSERT_OK(co_await managed(on.a, session("9fK"), status::connected));
  CO_ASSERT_OK(co_await taken(on.a, visitors(), "one", long_time));
  CO_ASSERT_OK(co_await on.b.claim(session("9fK"), user("42")));
  const auto findings = co_await on.b.examine(false, progress_handler());
  CO_ASSERT_OK(findings);
  for (const auto& one : *findings) EXPECT_NE(one.severity, finding::level::problem) << one.check << ": " << one.text;
}

}  // namespace
}  // namespace mcpstate::test
