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

store_options limited() {
  store_options o;
  o.ttl = 2s;
  o.max_lifetime = 3s;
  return o;
}

task<bool> is_there(store& from, owner who, server_name name) {
  auto got = co_await from.get(std::move(who), std::move(name), tools_wanted::no);
  if (!got) co_return got.error();
  co_return got->has_value();
}

}  // namespace

STORE_TEST_WITH(a_record_expires, short_lived()) {
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
    EXPECT_TRUE(all->empty());
    const auto touched = co_await s->touch(user("42"), std::nullopt);
    CO_ASSERT_OK(touched);
    EXPECT_EQ(*touched, 0u);
    const auto gone = co_await s->disconnect(user("42"), server("github"), std::nullopt);
    EXPECT_TRUE(!gone && gone.error().is(cond::not_found));
  }
}

STORE_TEST_WITH(what_expired_is_no_basis, short_lived()) {
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

STORE_TEST_WITH(a_touch_renews_and_changes_nothing_else, short_lived()) {
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

STORE_TEST_WITH(a_touch_of_all_renews_all, short_lived()) {
  for (const char* name : {"a", "b", "c"}) CO_ASSERT_OK(co_await write(on.a, user("42"), server(name), status::connected));
  CO_ASSERT_OK(co_await on.a.disconnect(user("42"), server("c"), std::nullopt));
  co_await on.data.pass(600ms);
  const auto touched = co_await on.b.touch(user("42"), std::nullopt);
  CO_ASSERT_OK(touched);
  EXPECT_EQ(*touched, 3u);
  co_await on.data.pass(600ms);
  const auto all = co_await on.a.list(user("42"), tools_wanted::no);
  CO_ASSERT_OK(all);
  EXPECT_EQ(names_of(*all), "a b c");
}

STORE_TEST_WITH(no_use_outlives_the_limit, limited()) {
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

STORE_TEST(erase_leaves_nothing_of_one_owner_and_all_of_others) {
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
  EXPECT_TRUE(all->empty());
  const auto others = co_await on.a.list(session("42"), tools_wanted::yes);
  CO_ASSERT_OK(others);
  EXPECT_EQ(names_of(*others), "a b");
  const auto again = co_await on.b.erase(user("42"));
  CO_ASSERT_OK(again);
  EXPECT_EQ(*again, 0u);
}

STORE_TEST(revisions_grow_over_an_erase) {
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

STORE_TEST_WITH(revisions_grow_over_an_expiry, short_lived()) {
  const auto before = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(before);
  co_await on.data.pass(1100ms);
  // A write of somebody else is when a store throws away what has expired.
  CO_ASSERT_OK(co_await write(on.b, user("1"), server("github"), status::connected));
  const auto after = co_await write(on.b, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(after);
  EXPECT_GT(after->revision, before->revision);
}

STORE_TEST(revisions_follow_the_clock) {
  const auto first = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(first);
  // Microseconds since 1970: later than 2020, earlier than 2100.
  EXPECT_GT(first->revision, 1'577'836'800'000'000u);
  EXPECT_LT(first->revision, 4'102'444'800'000'000u);
}

}  // namespace mcpstate::test
