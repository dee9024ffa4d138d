// SPDX-License-Identifier: MIT
// Leases: who keeps a managed connection, and what a write under a lease that is lost does; checks, which are no use.
#include "contract/lease_scene.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;

change connecting_under(const lease& keeper) {
  change c(keeper.name.owner, keeper.name.server, status::connecting);
  c.require_lease(keeper);
  return c;
}

store_options limited() {
  store_options o;
  o.ttl = 20s;
  o.max_lifetime = 30s;
  return o;
}

}  // namespace

STORE_TEST(GrantsALeaseOnce) {
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  EXPECT_EQ(mine->name, github());
  EXPECT_EQ(mine->holder, "one");
  EXPECT_GT(mine->number, 0u);
  const auto other = co_await refused(on.b, github(), "two");
  CO_ASSERT_OK(other);
  EXPECT_TRUE(*other);
  const auto again = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(again);
  EXPECT_EQ(*again, *mine) << "one's own is renewed, not replaced";
  const auto now = co_await on.b.leases().lease_of(github());
  CO_ASSERT_OK(now);
  EXPECT_EQ(*now, *mine);
  const auto next_door = co_await taken(on.b, managed_name(session("42"), server("github")), "two", long_time);
  CO_ASSERT_OK(next_door);
  const auto nobody = co_await on.a.leases().lease_of(managed_name(user("42"), server("other")));
  CO_ASSERT_OK(nobody);
  EXPECT_FALSE(nobody->has_value());
}

STORE_TEST(GivesTheNextLeaseALargerNumber) {
  const auto first = co_await taken(on.a, github(), "one", shortly);
  CO_ASSERT_OK(first);
  co_await on.data.pass(past_it);
  const auto none = co_await on.a.leases().lease_of(github());
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->has_value());
  std::vector<lease> held{*first};
  const auto lost = co_await on.a.leases().renew_leases(held, long_time);
  CO_ASSERT_OK(lost);
  EXPECT_EQ(*lost, held);
  const auto second = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(second);
  EXPECT_GT(second->number, first->number);
  const auto late = co_await refused(on.a, github(), "one");
  CO_ASSERT_OK(late);
  EXPECT_TRUE(*late);
}

// The keeper has read that nobody wants the connection; before it ends its lease, somebody orders it, and leaves it to the
// keeper, because there is one. Should the keeper die now, others have to find it.
STORE_TEST(KeepsAConnectionThatWasOrderedAgainBeforeItsLeaseEnded) {
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  const auto down = co_await write(on.a, user("42"), server("github"), status::disconnected);
  CO_ASSERT_OK(down);
  const auto order = co_await write(on.b, user("42"), server("github"), status::connecting);
  CO_ASSERT_OK(order);
  const auto left_to_it = co_await refused(on.b, github(), "two");
  CO_ASSERT_OK(left_to_it);
  EXPECT_TRUE(*left_to_it);
  CO_ASSERT_OK(co_await on.a.leases().end_lease(*mine, lease_end::over, down->revision));
  auto all = co_await on.b.leases().beat(report_of("two"), long_time);
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->unheld, std::vector<managed_name>{github()});
  const auto theirs = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(theirs);
  CO_ASSERT_OK(co_await on.b.leases().end_lease(*theirs, lease_end::over, order->revision));
  all = co_await on.b.leases().beat(report_of("two"), long_time);
  CO_ASSERT_OK(all);
  EXPECT_TRUE(all->unheld.empty());
  EXPECT_EQ(all->managed, 0u) << "that was the last word";
}

STORE_TEST(KeepsAConnectionWhoseRecordAppearedBeforeItsLeaseEnded) {
  auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  CO_ASSERT_OK(co_await on.a.leases().end_lease(*mine, lease_end::over, 0));
  auto all = co_await on.b.leases().beat(report_of("two"), long_time);
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->managed, 0u);
  mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  CO_ASSERT_OK(co_await write(on.b, user("42"), server("github"), status::connecting));
  CO_ASSERT_OK(co_await on.a.leases().end_lease(*mine, lease_end::over, 0));
  all = co_await on.b.leases().beat(report_of("two"), long_time);
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->unheld, std::vector<managed_name>{github()});
}

STORE_TEST(NumbersLeasesUpwardsAfterEveryEnd) {
  std::uint64_t last = 0;
  for (const auto how : {lease_end::over, lease_end::hand_over, lease_end::over, lease_end::hand_over}) {
    const auto mine = co_await taken(on.a, github(), "one", long_time);
    CO_ASSERT_OK(mine);
    EXPECT_GT(mine->number, last);
    last = mine->number;
    CO_ASSERT_OK(co_await on.b.leases().end_lease(*mine, how));
  }
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", long_time));
  CO_ASSERT_OK(co_await on.a.erase(user("42")));
  const auto after = co_await taken(on.b, github(), "one", long_time);
  CO_ASSERT_OK(after);
  EXPECT_GT(after->number, last);
}

STORE_TEST(KeepsARenewedLease) {
  const auto mine = co_await taken(on.a, github(), "one", shortly);
  CO_ASSERT_OK(mine);
  for (int i = 0; i < 3; ++i) {
    co_await on.data.pass(600ms);
    std::vector<lease> held{*mine};
    const auto lost = co_await on.a.leases().renew_leases(std::move(held), shortly);
    CO_ASSERT_OK(lost);
    EXPECT_TRUE(lost->empty());
  }
  const auto now = co_await on.b.leases().lease_of(github());
  CO_ASSERT_OK(now);
  EXPECT_EQ(*now, *mine);
}

STORE_TEST(NeitherRenewsNorEndsForeignLeases) {
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  lease older = *mine, foreign = *mine;
  --older.number;
  foreign.holder = "on";  // what the holder begins with
  for (const auto& wrong : {older, foreign}) {
    std::vector<lease> held{wrong};
    const auto lost = co_await on.b.leases().renew_leases(held, long_time);
    CO_ASSERT_OK(lost);
    EXPECT_EQ(*lost, held);
    CO_ASSERT_OK(co_await on.b.leases().end_lease(wrong, lease_end::over));
    CO_ASSERT_OK(co_await on.b.leases().end_lease(wrong, lease_end::hand_over));
  }
  const auto now = co_await on.b.leases().lease_of(github());
  CO_ASSERT_OK(now);
  EXPECT_EQ(*now, *mine);
}

STORE_TEST(RefusesAWriteUnderALostLease) {
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  const auto under_mine = co_await on.a.put(connecting_under(*mine));
  CO_ASSERT_OK(under_mine);
  CO_ASSERT_OK(co_await on.a.leases().end_lease(*mine, lease_end::hand_over));
  auto nobody_has_it = connecting_under(*mine);
  const auto refused_at_once = co_await on.a.put(std::move(nobody_has_it));
  CO_ASSERT_FAILS(refused_at_once, errc::lease_lost);
  const auto theirs = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(theirs);
  const auto before = co_await read(on.b, user("42"), server("github"));
  CO_ASSERT_OK(before);
  change late(*before, status::connected);
  late.tools(tools(R"([{"name":"late"}])")).require_lease(*mine);
  const auto refusal = co_await on.a.put(std::move(late));
  CO_ASSERT_FAILS(refusal, errc::lease_lost);
  EXPECT_TRUE(refusal.error().is(cond::conflict));
  const auto after = co_await read(on.b, user("42"), server("github"));
  CO_ASSERT_OK(after);
  EXPECT_EQ(after->revision, before->revision);
  EXPECT_EQ(after->state, status::connecting);
  EXPECT_FALSE(after->tools);
  change ours(*before, status::connected);
  ours.tools(tools(R"([{"name":"a"}])")).require_lease(*theirs);
  CO_ASSERT_OK(co_await on.b.put(std::move(ours)));
}

STORE_TEST(RefusesAWriteUnderAnExpiredLease) {
  const auto mine = co_await taken(on.a, github(), "one", shortly);
  CO_ASSERT_OK(mine);
  co_await on.data.pass(past_it);
  const auto refusal = co_await on.a.put(connecting_under(*mine));
  CO_ASSERT_FAILS(refusal, errc::lease_lost);
  const auto none = co_await on.b.get(user("42"), server("github"), tools_wanted::no);
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->has_value());
}

STORE_TEST(BindsALeaseToOneConnection) {
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  change other(user("42"), server("other"), status::connecting);
  other.require_lease(*mine);
  const auto refusal = co_await on.a.put(std::move(other));
  CO_ASSERT_FAILS(refusal, errc::bad_argument);
}

STORE_TEST(EndsLeasesOnEraseAndThoseOfTheSessionOnClaim) {
  const managed_name of_session(session("s"), server("github"));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected));
  CO_ASSERT_OK(co_await write(on.a, session("s"), server("github"), status::connected));
  const auto users = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(users);
  const auto sessions = co_await taken(on.a, of_session, "one", long_time);
  CO_ASSERT_OK(sessions);
  CO_ASSERT_OK(co_await on.b.claim(session("s"), user("42")));
  std::vector<lease> both{*users, *sessions};
  const auto lost = co_await on.a.leases().renew_leases(both, long_time);
  CO_ASSERT_OK(lost);
  EXPECT_EQ(*lost, std::vector<lease>{*sessions});
  CO_ASSERT_OK(co_await on.b.erase(user("42")));
  const auto none = co_await on.a.leases().lease_of(github());
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->has_value());
  const auto refusal = co_await on.a.put(connecting_under(*users));
  CO_ASSERT_FAILS(refusal, errc::lease_lost);
}

STORE_TEST_WITH(RenewsTheExpiryByUseButNotByChecks, limited()) {
  const auto up = co_await write(on.a, user("42"), server("github"), status::connected, R"([{"name":"a"}])");
  CO_ASSERT_OK(up);
  CO_ASSERT_TRUE(up->expires_at);
  co_await on.data.pass(50ms);
  change check(user("42"), server("github"), status::connected);
  check.keep_expiry().tools(tools(R"([{"name":"b"}])"));
  const auto checked = co_await on.a.put(std::move(check));
  CO_ASSERT_OK(checked);
  EXPECT_GT(checked->revision, up->revision);
  EXPECT_EQ(checked->expires_at, up->expires_at);
  const auto got = co_await read(on.b, user("42"), server("github"));
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->expires_at, up->expires_at);
  EXPECT_EQ(*got->tools, R"([{"name":"b"}])");
  const auto used = co_await write(on.b, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(used);
  EXPECT_GT(used->expires_at, up->expires_at);
}

STORE_TEST_WITH(ExpiresARecordThatIsOnlyChecked, some_seconds()) {
  change first(user("42"), server("github"), status::connected);
  first.keep_expiry().tools(tools(R"([{"name":"a"}])"));
  const auto made = co_await on.a.put(std::move(first));
  CO_ASSERT_OK(made);
  CO_ASSERT_TRUE(made->expires_at);
  co_await on.data.pass(1s);
  change check(user("42"), server("github"), status::failed);
  check.keep_expiry();
  CO_ASSERT_OK(co_await on.a.put(std::move(check)));
  co_await on.data.pass(past_it);
  const auto none = co_await on.b.get(user("42"), server("github"), tools_wanted::yes);
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->has_value());
}

STORE_TEST(HidesLeasesFromWatchers) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected));
  auto opened = co_await on.b.watch(user("42"));
  CO_ASSERT_OK(opened);
  watched seen(std::move(*opened));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  const auto events = seen.events();
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  std::vector<lease> held{*mine};
  CO_ASSERT_OK(co_await on.a.leases().renew_leases(std::move(held), long_time));
  CO_ASSERT_OK(co_await on.a.leases().end_lease(*mine, lease_end::over));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::failed));
  CO_ASSERT_TRUE(co_await seen.until("user:42/github=FAILED"));
  EXPECT_EQ(seen.events(), events + 1);
}

STORE_TEST(RefusesBadLeaseInput) {
  const std::string nobody, too_long(257, 'x');
  for (const auto& holder : {nobody, too_long}) {
    const auto no = co_await on.a.leases().take_lease(github(), holder, "github", long_time);
    CO_ASSERT_FAILS(no, errc::bad_argument);
    auto me = report_of(holder);
    const auto silent = co_await on.a.leases().beat(std::move(me), long_time);
    CO_ASSERT_FAILS(silent, errc::bad_argument);
  }
  for (const auto time : {0ms, -1ms}) {
    const auto no = co_await on.a.leases().take_lease(github(), "one", "github", time);
    CO_ASSERT_FAILS(no, errc::bad_argument);
    std::vector<lease> held{lease(github(), "one", 1)};
    const auto not_renewed = co_await on.a.leases().renew_leases(std::move(held), time);
    CO_ASSERT_FAILS(not_renewed, errc::bad_argument);
  }
  auto me = report_of("one");
  const auto never = co_await on.a.leases().beat(std::move(me), -1ms);
  CO_ASSERT_FAILS(never, errc::bad_argument);
  const auto no_server = co_await on.a.leases().managed_of("", "");
  CO_ASSERT_FAILS(no_server, errc::bad_name);
  const auto no_cursor = co_await on.a.leases().managed_of("github", "no such page");
  CO_ASSERT_FAILS(no_cursor, errc::bad_argument);
  std::vector<lease> none;
  const auto nothing = co_await on.a.leases().renew_leases(std::move(none), long_time);
  CO_ASSERT_OK(nothing);
  EXPECT_TRUE(nothing->empty());
}

}  // namespace mcpstate::test
