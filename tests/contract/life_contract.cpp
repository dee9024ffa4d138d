// SPDX-License-Identifier: MIT
// How records live and die: expiry, touch, the absolute limit, erase, and the revisions across all of them.
#include "contract/store_contract.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;

// Short enough to wait for where the clock is not ours.
store_options short_lived() {
  store_options o;
  o.ttl = 1s;
  return o;
}

store_options with_a_lifetime() {
  store_options o;
  o.ttl = 2s;
  o.max_lifetime = 3s;
  return o;
}

store_options long_lived() {
  store_options o;
  o.ttl = std::chrono::hours(1);
  return o;
}

// Within one process there is one handle: then the other is one of the two.
asio::awaitable<void> close_other(std::shared_ptr<store> other, store_pair on) {
  if (other.get() != &on.a && other.get() != &on.b) co_await other->close();
}

task<bool> is_there(store& from, owner who, server_name name) {
  auto got = co_await from.get(std::move(who), std::move(name), tools_wanted::no);
  if (!got) co_return got.error();
  co_return got->has_value();
}

}  // namespace

STORE_TEST_WITH(ExpiresARecord, short_lived()) {
  const auto up = co_await write(on.a, user("42"), server("github"), status::connected, R"([{"name":"a"}])");
  CO_ASSERT_OK(up);
  CO_ASSERT_TRUE(up->expires_at);
  co_await on.data.pass(1100ms);
  for (store* s : {&on.a, &on.b}) {
    const auto got = co_await s->get(user("42"), server("github"), tools_wanted::yes);
    CO_ASSERT_OK(got);
    EXPECT_FALSE(got->has_value());
    const auto all = co_await s->list(user("42"), tools_wanted::no);
    CO_ASSERT_OK(all);
    EXPECT_TRUE((*all)->empty());
    const auto touched = co_await s->touch(user("42"), std::nullopt);
    CO_ASSERT_OK(touched);
    EXPECT_EQ(*touched, 0u);
    const auto gone = co_await s->disconnect(user("42"), server("github"), std::nullopt);
    EXPECT_TRUE(!gone && gone.error().is(cond::not_found));
  }
}

STORE_TEST_WITH(RefusesAWriteBasedOnAnExpiredRecord, short_lived()) {
  const auto up = co_await write(on.a, user("42"), server("github"), status::connected, R"([{"name":"a"}])");
  CO_ASSERT_OK(up);
  co_await on.data.pass(1100ms);
  change late(*up, status::failed);
  const auto refused = co_await on.b.put(std::move(late));
  EXPECT_TRUE(!refused && refused.error().is(cond::conflict));
  change fresh(user("42"), server("github"), status::failed);
  fresh.based_on(basis());
  CO_ASSERT_OK(co_await on.b.put(std::move(fresh)));
  const auto got = co_await read(on.a, user("42"), server("github"));
  CO_ASSERT_OK(got);
  EXPECT_FALSE(got->tools) << "tools of the record that expired";
  EXPECT_FALSE(got->info.tool_count);
}

STORE_TEST_WITH(RenewsOnlyTheExpiryInATouch, short_lived()) {
  const auto up = co_await write(on.a, user("42"), server("a"), status::connected, R"([{"name":"a"}])");
  CO_ASSERT_OK(up);
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("b"), status::connected));
  co_await on.data.pass(600ms);
  const auto one = co_await on.b.touch(user("42"), server("a"));
  CO_ASSERT_OK(one);
  EXPECT_EQ(*one, 1u);
  const auto none = co_await on.b.touch(user("42"), server("c"));
  CO_ASSERT_OK(none);
  EXPECT_EQ(*none, 0u);
  co_await on.data.pass(600ms);
  const auto got = co_await read(on.a, user("42"), server("a"));
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->revision, up->revision);
  EXPECT_EQ(got->seen, up->seen);
  EXPECT_EQ(got->info, up->info);
  EXPECT_TRUE(got->tools);
  EXPECT_GT(got->expires_at, up->expires_at);
  const auto b = co_await is_there(on.a, user("42"), server("b"));
  CO_ASSERT_OK(b);
  EXPECT_FALSE(*b) << "it was not touched";
}

STORE_TEST_WITH(RenewsAllInATouchOfAll, short_lived()) {
  for (const char* name : {"a", "b", "c"}) CO_ASSERT_OK(co_await write(on.a, user("42"), server(name), status::connected));
  CO_ASSERT_OK(co_await on.a.disconnect(user("42"), server("c"), std::nullopt));
  co_await on.data.pass(600ms);
  const auto touched = co_await on.b.touch(user("42"), std::nullopt);
  CO_ASSERT_OK(touched);
  EXPECT_EQ(*touched, 3u);
  co_await on.data.pass(600ms);
  const auto all = co_await on.a.list(user("42"), tools_wanted::no);
  CO_ASSERT_OK(all);
  EXPECT_EQ(names_of((*all)->records()), "a b c");
}

STORE_TEST_WITH(ExpiresAtTheLimitDespiteUse, with_a_lifetime()) {
  const auto up = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(up);
  for (int i = 0; i < 2; ++i) {
    co_await on.data.pass(1250ms);
    const auto touched = co_await on.a.touch(user("42"), std::nullopt);
    CO_ASSERT_OK(touched);
    EXPECT_EQ(*touched, 1u);
    CO_ASSERT_OK(co_await write(on.b, user("42"), server("github"), status::connected));
  }
  co_await on.data.pass(600ms);
  const auto there = co_await is_there(on.a, user("42"), server("github"));
  CO_ASSERT_OK(there);
  EXPECT_FALSE(*there);
}

// A writer configured without a limit: its writes, renewals and claims take it from no record that has one.
STORE_TEST_WITH(KeepsALimitForWritersWithoutOne, with_a_lifetime()) {
  const auto executor = co_await asio::this_coro::executor;
  auto other = co_await on.data.open(executor, long_lived(), true);
  CO_ASSERT_OK(other);
  store& free = **other;
  const auto up = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(up);
  CO_ASSERT_OK(co_await write(on.a, session("s"), server("claimed"), status::connected));
  // A clock that every store has: a revision is the time of its write in microseconds.
  const auto limit = timestamp(std::chrono::microseconds(up->revision)) + 3s;
  co_await on.data.pass(1250ms);
  const auto put = co_await write(free, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(put);
  EXPECT_LE(*put->expires_at, limit);
  change checked(*put, status::connected);
  checked.keep_expiry();
  const auto kept = co_await free.put(std::move(checked));
  CO_ASSERT_OK(kept);
  EXPECT_LE(*kept->expires_at, limit);
  CO_ASSERT_OK(co_await free.touch(user("42"), std::nullopt));
  CO_ASSERT_OK(co_await free.claim(session("s"), user("42")));
  CO_ASSERT_OK(co_await on.b.touch(user("42"), std::nullopt));
  const auto all = co_await on.b.list(user("42"), tools_wanted::no);
  CO_ASSERT_OK(all);
  EXPECT_EQ(names_of((*all)->records()), "claimed github");
  for (const auto& c : **all) EXPECT_LE(*c.expires_at, limit + 100ms) << c.server;  // one was written a moment later
  co_await close_other(std::move(*other), on);
}

// The other way round: who has a limit gives it to what it writes, renews or claims, and it is one from then on.
STORE_TEST_WITH(GivesItsLimitToRecordsWithoutOne, with_a_lifetime()) {
  const auto executor = co_await asio::this_coro::executor;
  auto other = co_await on.data.open(executor, long_lived(), true);
  CO_ASSERT_OK(other);
  store& free = **other;
  for (const char* name : {"written", "kept"}) CO_ASSERT_OK(co_await write(free, user("42"), server(name), status::failed));
  const auto touched = co_await write(free, user("42"), server("touched"), status::failed);
  CO_ASSERT_OK(touched);
  const auto last = co_await write(free, session("s"), server("claimed"), status::connected, R"([{"name":"a"}])");
  CO_ASSERT_OK(last);
  // A clock that every store has: a revision is the time of its write in microseconds.
  const auto limit = timestamp(std::chrono::microseconds(last->revision)) + 4s;
  CO_ASSERT_OK(co_await on.a.touch(user("42"), server("touched")));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("written"), status::connected));
  const auto there = co_await read(on.a, user("42"), server("kept"));
  CO_ASSERT_OK(there);
  change checked(*there, status::failed);
  checked.keep_expiry();
  CO_ASSERT_OK(co_await on.a.put(std::move(checked)));
  CO_ASSERT_OK(co_await on.a.claim(session("s"), user("42")));
  for (int again = 0; again < 2; ++again) {
    const auto all = co_await on.b.list(user("42"), tools_wanted::yes);
    CO_ASSERT_OK(all);
    CO_ASSERT_EQ(names_of((*all)->records()), "claimed kept touched written");
    for (const auto& c : **all) {
      EXPECT_LE(*c.expires_at, limit) << c.server;
      EXPECT_TRUE(c.problems.empty()) << c.server << ": " << c.problems.front();
    }
    EXPECT_EQ((**all)[2].revision, touched->revision) << "a touch is no change";
    CO_ASSERT_OK(co_await free.touch(user("42"), std::nullopt));
  }
  co_await close_other(std::move(*other), on);
}

STORE_TEST(ErasesOneOwnerCompletelyAndNobodyElse) {
  for (const char* name : {"a", "b"}) {
    CO_ASSERT_OK(co_await write(on.a, user("42"), server(name), status::connected, R"([{"name":"a"}])"));
    CO_ASSERT_OK(co_await write(on.a, session("42"), server(name), status::connected, R"([{"name":"a"}])"));
  }
  CO_ASSERT_OK(co_await on.a.disconnect(user("42"), server("b"), std::nullopt));
  const auto count = co_await on.b.erase(user("42"));
  CO_ASSERT_OK(count);
  EXPECT_EQ(*count, 2u);
  const auto all = co_await on.a.list(user("42"), tools_wanted::yes);
  CO_ASSERT_OK(all);
  EXPECT_TRUE((*all)->empty());
  const auto others = co_await on.a.list(session("42"), tools_wanted::yes);
  CO_ASSERT_OK(others);
  EXPECT_EQ(names_of((*others)->records()), "a b");
  const auto again = co_await on.b.erase(user("42"));
  CO_ASSERT_OK(again);
  EXPECT_EQ(*again, 0u);
}

STORE_TEST(GrowsRevisionsOverAnErase) {
  std::uint64_t last = 0;
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 3; ++j) {
      const auto written = co_await write(on.a, user("42"), server("github"), status::connected);
      CO_ASSERT_OK(written);
      EXPECT_GT(written->revision, last);
      last = written->revision;
    }
    CO_ASSERT_OK(co_await on.b.erase(user("42")));
  }
}

STORE_TEST_WITH(GrowsRevisionsOverAnExpiry, short_lived()) {
  const auto before = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(before);
  co_await on.data.pass(1100ms);
  // A write of somebody else is when a store throws away what has expired.
  CO_ASSERT_OK(co_await write(on.b, user("1"), server("github"), status::connected));
  const auto after = co_await write(on.b, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(after);
  EXPECT_GT(after->revision, before->revision);
}

STORE_TEST(TakesRevisionsFromTheClock) {
  const auto first = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(first);
  // Microseconds since 1970: later than 2020, earlier than 2100.
  EXPECT_GT(first->revision, 1'577'836'800'000'000u);
  EXPECT_LT(first->revision, 4'102'444'800'000'000u);
}

}  // namespace mcpstate::test
