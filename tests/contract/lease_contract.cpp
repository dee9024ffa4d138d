// SPDX-License-Identifier: MIT
// Leases: who keeps a managed connection, what a write under a lease that is lost does, and what the fleet is told.
#include <algorithm>
#include <set>

#include "contract/store_contract.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;

constexpr auto shortly = 1s;  // a lease that a test lets run out
constexpr auto past_it = 1100ms;
constexpr auto long_time = 60s;

managed_name github() { return managed_name(user("42"), server("github")); }

instance_report report_of(std::string name, std::uint64_t kept = 0) {
  instance_report r;
  r.name = std::move(name);
  r.address = "http://10.0.0.1:8080";
  r.kept = kept;
  return r;
}

// take_lease that has to succeed.
task<lease> taken(store& by, managed_name what, std::string holder, std::chrono::milliseconds time,
                  std::string registered = "github") {
  auto got = co_await by.take_lease(std::move(what), std::move(holder), std::move(registered), time);
  if (!got) co_return got.error();
  if (!*got) co_return error(errc::lease_lost, "another holder has it");
  co_return std::move(**got);
}

// Whether this holder is refused.
task<bool> refused(store& by, managed_name what, std::string holder) {
  auto got = co_await by.take_lease(std::move(what), std::move(holder), "github", long_time);
  if (!got) co_return got.error();
  co_return !got->has_value();
}

task<fleet> seen_by(store& s, std::string who) {
  auto me = report_of(std::move(who));
  co_return co_await s.beat(std::move(me), long_time);
}

std::string names_of(const fleet& all) {
  std::string out;
  for (const auto& one : all.instances) out += (out.empty() ? "" : " ") + one.name;
  return out;
}

change connecting_under(const lease& keeper) {
  change c(keeper.what.whose, keeper.what.server, status::connecting);
  c.under(keeper);
  return c;
}

store_options some_seconds() {
  store_options o;
  o.ttl = 2s;
  return o;
}

store_options limited() {
  store_options o;
  o.ttl = 20s;
  o.max_lifetime = 30s;
  return o;
}

}  // namespace

STORE_TEST(a_lease_is_taken_once) {
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  EXPECT_EQ(mine->what, github());
  EXPECT_EQ(mine->holder, "one");
  EXPECT_GT(mine->number, 0u);
  const auto other = co_await refused(on.b, github(), "two");
  CO_ASSERT_OK(other);
  EXPECT_TRUE(*other);
  const auto again = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(again);
  EXPECT_EQ(*again, *mine) << "one's own is renewed, not replaced";
  const auto now = co_await on.b.lease_of(github());
  CO_ASSERT_OK(now);
  EXPECT_EQ(*now, *mine);
  const auto next_door = co_await taken(on.b, managed_name(session("42"), server("github")), "two", long_time);
  CO_ASSERT_OK(next_door);
  const auto nobody = co_await on.a.lease_of(managed_name(user("42"), server("other")));
  CO_ASSERT_OK(nobody);
  EXPECT_FALSE(nobody->has_value());
}

STORE_TEST(a_lease_runs_out_and_the_next_has_a_larger_number) {
  const auto first = co_await taken(on.a, github(), "one", shortly);
  CO_ASSERT_OK(first);
  co_await on.data.pass(past_it);
  const auto none = co_await on.a.lease_of(github());
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->has_value());
  std::vector<lease> held{*first};
  const auto lost = co_await on.a.renew_leases(held, long_time);
  CO_ASSERT_OK(lost);
  EXPECT_EQ(*lost, held);
  const auto second = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(second);
  EXPECT_GT(second->number, first->number);
  const auto late = co_await refused(on.a, github(), "one");
  CO_ASSERT_OK(late);
  EXPECT_TRUE(*late);
}

STORE_TEST(numbers_grow_over_every_end) {
  std::uint64_t last = 0;
  for (const auto how : {lease_end::over, lease_end::hand_over, lease_end::over, lease_end::hand_over}) {
    const auto mine = co_await taken(on.a, github(), "one", long_time);
    CO_ASSERT_OK(mine);
    EXPECT_GT(mine->number, last);
    last = mine->number;
    CO_ASSERT_OK(co_await on.b.end_lease(*mine, how));
  }
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", long_time));
  CO_ASSERT_OK(co_await on.a.erase(user("42")));
  const auto after = co_await taken(on.b, github(), "one", long_time);
  CO_ASSERT_OK(after);
  EXPECT_GT(after->number, last);
}

STORE_TEST(a_renewed_lease_lives_on) {
  const auto mine = co_await taken(on.a, github(), "one", shortly);
  CO_ASSERT_OK(mine);
  for (int i = 0; i < 3; ++i) {
    co_await on.data.pass(600ms);
    std::vector<lease> held{*mine};
    const auto lost = co_await on.a.renew_leases(std::move(held), shortly);
    CO_ASSERT_OK(lost);
    EXPECT_TRUE(lost->empty());
  }
  const auto now = co_await on.b.lease_of(github());
  CO_ASSERT_OK(now);
  EXPECT_EQ(*now, *mine);
}

STORE_TEST(what_is_not_ours_is_neither_renewed_nor_ended) {
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  lease older = *mine, foreign = *mine;
  --older.number;
  foreign.holder = "on";  // what the holder begins with
  for (const auto& wrong : {older, foreign}) {
    std::vector<lease> held{wrong};
    const auto lost = co_await on.b.renew_leases(held, long_time);
    CO_ASSERT_OK(lost);
    EXPECT_EQ(*lost, held);
    CO_ASSERT_OK(co_await on.b.end_lease(wrong, lease_end::over));
    CO_ASSERT_OK(co_await on.b.end_lease(wrong, lease_end::hand_over));
  }
  const auto now = co_await on.b.lease_of(github());
  CO_ASSERT_OK(now);
  EXPECT_EQ(*now, *mine);
}

STORE_TEST(a_write_under_a_lease_that_is_lost_is_refused_and_writes_nothing) {
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  const auto under_mine = co_await on.a.put(connecting_under(*mine));
  CO_ASSERT_OK(under_mine);
  CO_ASSERT_OK(co_await on.a.end_lease(*mine, lease_end::hand_over));
  auto nobody_has_it = connecting_under(*mine);
  const auto refused_at_once = co_await on.a.put(std::move(nobody_has_it));
  CO_ASSERT_FAILS(refused_at_once, errc::lease_lost);
  const auto theirs = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(theirs);
  const auto before = co_await read(on.b, user("42"), server("github"));
  CO_ASSERT_OK(before);
  change late(*before, status::connected);
  late.tools(tools(R"([{"name":"late"}])")).under(*mine);
  const auto refusal = co_await on.a.put(std::move(late));
  CO_ASSERT_FAILS(refusal, errc::lease_lost);
  EXPECT_TRUE(refusal.error().is(cond::conflict));
  const auto after = co_await read(on.b, user("42"), server("github"));
  CO_ASSERT_OK(after);
  EXPECT_EQ(after->revision, before->revision);
  EXPECT_EQ(after->state, status::connecting);
  EXPECT_FALSE(after->tools);
  change ours(*before, status::connected);
  ours.tools(tools(R"([{"name":"a"}])")).under(*theirs);
  CO_ASSERT_OK(co_await on.b.put(std::move(ours)));
}

STORE_TEST(a_write_under_a_lease_that_ran_out_is_refused) {
  const auto mine = co_await taken(on.a, github(), "one", shortly);
  CO_ASSERT_OK(mine);
  co_await on.data.pass(past_it);
  const auto refusal = co_await on.a.put(connecting_under(*mine));
  CO_ASSERT_FAILS(refusal, errc::lease_lost);
  const auto none = co_await on.b.get(user("42"), server("github"), tools_wanted::no);
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->has_value());
}

STORE_TEST(a_lease_is_of_one_connection_only) {
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  change other(user("42"), server("other"), status::connecting);
  other.under(*mine);
  const auto refusal = co_await on.a.put(std::move(other));
  CO_ASSERT_FAILS(refusal, errc::bad_argument);
}

STORE_TEST(an_erase_ends_leases_and_a_claim_the_sessions) {
  const managed_name of_session(session("s"), server("github"));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected));
  CO_ASSERT_OK(co_await write(on.a, session("s"), server("github"), status::connected));
  const auto users = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(users);
  const auto sessions = co_await taken(on.a, of_session, "one", long_time);
  CO_ASSERT_OK(sessions);
  CO_ASSERT_OK(co_await on.b.claim(session("s"), user("42")));
  std::vector<lease> both{*users, *sessions};
  const auto lost = co_await on.a.renew_leases(both, long_time);
  CO_ASSERT_OK(lost);
  EXPECT_EQ(*lost, std::vector<lease>{*sessions});
  CO_ASSERT_OK(co_await on.b.erase(user("42")));
  const auto none = co_await on.a.lease_of(github());
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->has_value());
  const auto refusal = co_await on.a.put(connecting_under(*users));
  CO_ASSERT_FAILS(refusal, errc::lease_lost);
}

STORE_TEST(what_was_handed_over_is_seen_at_once_and_what_is_over_is_not) {
  const managed_name other(session("42"), server("a:b {c}"));
  const auto first = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(first);
  const auto second = co_await taken(on.a, other, "one", long_time, "");
  CO_ASSERT_OK(second);
  const auto held = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(held);
  EXPECT_EQ(held->managed, 2u);
  EXPECT_TRUE(held->unheld.empty());
  CO_ASSERT_OK(co_await on.a.end_lease(*first, lease_end::over));
  CO_ASSERT_OK(co_await on.a.end_lease(*second, lease_end::hand_over));
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

STORE_TEST(what_ran_out_waits_for_a_keeper_until_somebody_is_done_with_it) {
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", shortly));
  co_await on.data.pass(past_it);
  const auto waiting = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(waiting);
  EXPECT_EQ(waiting->unheld, std::vector<managed_name>{github()});
  const auto mine = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(mine);
  CO_ASSERT_OK(co_await on.b.end_lease(*mine, lease_end::over));
  const auto done = co_await seen_by(on.a, "one");
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->managed, 0u);
  EXPECT_TRUE(done->unheld.empty());
}

STORE_TEST(a_try_that_is_refused_does_not_put_off_the_takeover) {
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", shortly));
  const auto no = co_await refused(on.b, github(), "two");
  CO_ASSERT_OK(no);
  EXPECT_TRUE(*no);
  co_await on.data.pass(past_it);
  const auto waiting = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(waiting);
  EXPECT_EQ(waiting->unheld, std::vector<managed_name>{github()});
}

STORE_TEST(the_fleet_is_who_reported_lately) {
  auto me = report_of("b", 7);
  const auto alone = co_await on.a.beat(me, long_time);
  CO_ASSERT_OK(alone);
  EXPECT_EQ(alone->instances, std::vector<instance_report>{me});
  auto guest = report_of("a with spaces", 1);
  const auto both = co_await on.b.beat(guest, shortly);
  CO_ASSERT_OK(both);
  EXPECT_EQ(both->instances, (std::vector<instance_report>{guest, me}));
  co_await on.data.pass(past_it);
  const auto left = co_await seen_by(on.b, "c");
  CO_ASSERT_OK(left);
  EXPECT_EQ(names_of(*left), "b c");
  auto leaving = report_of("b");
  const auto after = co_await on.a.beat(std::move(leaving), 0ms);
  CO_ASSERT_OK(after);
  EXPECT_EQ(names_of(*after), "c");
}

STORE_TEST(all_managed_connections_of_one_registered_server_are_found) {
  std::set<managed_name> expected;
  for (int i = 0; i < 600; ++i) {
    const managed_name what(user(std::to_string(i)), server(i % 2 == 0 ? "mine" : "of:mine"));
    CO_ASSERT_OK(co_await taken(on.a, what, "one", long_time, "github"));
    expected.insert(what);
  }
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", long_time, "git"));
  const auto gone = co_await taken(on.a, managed_name(user("over"), server("x")), "one", long_time, "github");
  CO_ASSERT_OK(gone);
  CO_ASSERT_OK(co_await on.a.end_lease(*gone, lease_end::over));
  std::set<managed_name> found;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = co_await on.b.managed_of("github", cursor);
    CO_ASSERT_OK(page);
    found.insert(page->names.begin(), page->names.end());
    cursor = page->cursor;
    ++pages;
  } while (!cursor.empty());
  EXPECT_GT(pages, 1);
  EXPECT_TRUE(found == expected) << found.size();
  const auto none = co_await on.b.managed_of("nothing", "");
  CO_ASSERT_OK(none);
  EXPECT_TRUE(none->names.empty());
  EXPECT_EQ(none->cursor, "");
}

STORE_TEST(a_thousand_leases_are_renewed_in_one_call) {
  std::vector<lease> held;
  for (int i = 0; i < 1000; ++i) {
    const auto one = co_await taken(on.a, managed_name(user(std::to_string(i)), server("github")), "one", long_time);
    CO_ASSERT_OK(one);
    held.push_back(*one);
  }
  std::vector<lease> gone{held[17], held[503]};
  for (const auto& one : gone) CO_ASSERT_OK(co_await on.b.end_lease(one, lease_end::hand_over));
  const auto lost = co_await on.a.renew_leases(std::move(held), long_time);
  CO_ASSERT_OK(lost);
  EXPECT_EQ(*lost, gone);
  const auto all = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->managed, 1000u);
}

STORE_TEST(no_more_than_256_are_told_to_wait) {
  for (int i = 0; i < 600; ++i) {
    const auto one = co_await taken(on.a, managed_name(user(std::to_string(i)), server("github")), "one", long_time);
    CO_ASSERT_OK(one);
    CO_ASSERT_OK(co_await on.a.end_lease(*one, lease_end::hand_over));
  }
  const auto all = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->managed, 600u);
  EXPECT_GT(all->unheld.size(), 200u);
  EXPECT_LE(all->unheld.size(), 256u);
}

STORE_TEST_WITH(what_nobody_wanted_for_as_long_as_records_live_is_managed_no_more, some_seconds()) {
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", shortly));
  co_await on.data.pass(4s);
  const auto none = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(none);
  EXPECT_EQ(none->managed, 0u);
  EXPECT_TRUE(none->unheld.empty());
}

STORE_TEST_WITH(a_check_leaves_the_expiry_and_a_use_renews_it, limited()) {
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

STORE_TEST_WITH(a_check_does_not_keep_a_record_alive, some_seconds()) {
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

STORE_TEST(leases_are_no_change_to_a_watcher) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected));
  auto opened = co_await on.b.watch(user("42"));
  CO_ASSERT_OK(opened);
  watched seen(std::move(*opened));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  const auto events = seen.events();
  const auto mine = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(mine);
  std::vector<lease> held{*mine};
  CO_ASSERT_OK(co_await on.a.renew_leases(std::move(held), long_time));
  CO_ASSERT_OK(co_await on.a.end_lease(*mine, lease_end::over));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::failed));
  CO_ASSERT_TRUE(co_await seen.until("user:42/github=FAILED"));
  EXPECT_EQ(seen.events(), events + 1);
}

STORE_TEST(leases_have_no_findings) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected));
  CO_ASSERT_OK(co_await taken(on.a, github(), "one", long_time));
  const auto waiting = co_await taken(on.a, managed_name(user("1"), server("x")), "one", long_time);
  CO_ASSERT_OK(waiting);
  CO_ASSERT_OK(co_await on.a.end_lease(*waiting, lease_end::hand_over));
  CO_ASSERT_OK(co_await seen_by(on.a, "one"));
  const auto found = co_await on.b.examine(false, {});
  CO_ASSERT_OK(found);
  for (const auto& f : *found) {
    EXPECT_NE(f.severity, finding::level::problem) << f.check << " " << f.text;
    EXPECT_NE(f.check, "unknown_keys");
    EXPECT_NE(f.check, "no_expiry");
  }
}

// Whoever keeps the session's sees that it is gone; nobody would know of the user's.
STORE_TEST(what_a_claim_moves_waits_for_a_keeper) {
  details kept;
  kept.managed = true;
  kept.registered = "github";
  kept.transport = "http";
  for (const auto* name : {"kept", "recorded"}) {
    change up(session("9fK"), server(name), status::connected);
    if (std::string_view(name) == "kept") up.with(kept);
    CO_ASSERT_OK(co_await on.a.put(std::move(up)));
  }
  CO_ASSERT_OK(co_await taken(on.a, managed_name(session("9fK"), server("kept")), "one", long_time));
  CO_ASSERT_OK(co_await on.a.claim(session("9fK"), user("42")));
  const auto all = co_await seen_by(on.b, "two");
  CO_ASSERT_OK(all);
  const managed_name mine(user("42"), server("kept"));
  EXPECT_EQ(std::count(all->unheld.begin(), all->unheld.end(), mine), 1);
  EXPECT_EQ(std::count(all->unheld.begin(), all->unheld.end(), managed_name(user("42"), server("recorded"))), 0)
      << "what the host records itself is nobody's to keep";
  const auto keeper = co_await taken(on.b, mine, "two", long_time);
  CO_ASSERT_OK(keeper);
  change checked(user("42"), server("kept"), status::connected);
  checked.under(*keeper);
  CO_ASSERT_OK(co_await on.b.put(std::move(checked)));
}

STORE_TEST(lease_input_is_checked) {
  const std::string nobody, too_long(257, 'x');
  for (const auto& holder : {nobody, too_long}) {
    const auto no = co_await on.a.take_lease(github(), holder, "github", long_time);
    CO_ASSERT_FAILS(no, errc::bad_argument);
    auto me = report_of(holder);
    const auto silent = co_await on.a.beat(std::move(me), long_time);
    CO_ASSERT_FAILS(silent, errc::bad_argument);
  }
  for (const auto time : {0ms, -1ms}) {
    const auto no = co_await on.a.take_lease(github(), "one", "github", time);
    CO_ASSERT_FAILS(no, errc::bad_argument);
    std::vector<lease> held{lease(github(), "one", 1)};
    const auto not_renewed = co_await on.a.renew_leases(std::move(held), time);
    CO_ASSERT_FAILS(not_renewed, errc::bad_argument);
  }
  auto me = report_of("one");
  const auto never = co_await on.a.beat(std::move(me), -1ms);
  CO_ASSERT_FAILS(never, errc::bad_argument);
  const auto no_server = co_await on.a.managed_of("", "");
  CO_ASSERT_FAILS(no_server, errc::bad_name);
  const auto no_cursor = co_await on.a.managed_of("github", "no such page");
  CO_ASSERT_FAILS(no_cursor, errc::bad_argument);
  std::vector<lease> none;
  const auto nothing = co_await on.a.renew_leases(std::move(none), long_time);
  CO_ASSERT_OK(nothing);
  EXPECT_TRUE(nothing->empty());
}

}  // namespace mcpstate::test
