// SPDX-License-Identifier: MIT
// Watches: a snapshot, then every change, whoever makes it.
#include <mcpstate/aio/task_group.hpp>

#include "contract/store_contract.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;

store_options short_lived() {
  store_options o;
  o.ttl = 2s;
  return o;
}

// Whether everything seen is gone within a second. The stores' clock goes on meanwhile, in case it stands still by itself: a
// look at the store that had begun before the end of a record shows it once more, and is repeated a little later.
asio::awaitable<bool> all_gone(watched& seen, store_data& data) {
  const auto end = aio::after(1s);
  while (std::chrono::steady_clock::now() < end) {
    const bool gone = co_await seen.until("", 100ms);
    if (gone) co_return true;
    co_await data.pass(60ms);
  }
  co_return seen.all().empty();
}

asio::awaitable<void> wait_for_the_end(watcher& of, bool& ended) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto got = co_await of.next();
  CO_ASSERT_FAILS(got, errc::stopped);
  ended = true;
}

}  // namespace

STORE_TEST(BeginsAWatchWithASnapshot) {
  CO_ASSERT_OK(co_await write(on.a, user("1"), server("a"), status::connected, R"([{"name":"t"}])"));
  CO_ASSERT_OK(co_await write(on.a, user("1"), server("b"), status::failed));
  CO_ASSERT_OK(co_await write(on.a, user("2"), server("a"), status::connected));
  auto opened = co_await on.b.watch(user("1"));
  CO_ASSERT_OK(opened);
  watched seen(std::move(*opened));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  EXPECT_EQ(seen.all(), "user:1/a=CONNECTED user:1/b=FAILED");
  EXPECT_EQ(seen.events(), 3u);
}

STORE_TEST(IsReadyAtOnceInAWatchOfNothing) {
  auto opened = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(opened);
  watched seen(std::move(*opened));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  EXPECT_EQ(seen.events(), 1u);
}

STORE_TEST(SendsEventsWithoutTools) {
  auto opened = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(opened);
  auto ready = co_await (*opened)->next();
  CO_ASSERT_OK(ready);
  EXPECT_EQ(ready->what, event::kind::ready);
  const auto written = co_await write(on.b, user("1"), server("a"), status::connected, R"([{"name":"t"}])");
  CO_ASSERT_OK(written);
  auto e = co_await (*opened)->next();
  CO_ASSERT_OK(e);
  CO_ASSERT_EQ(e->what, event::kind::present);
  CO_ASSERT_TRUE(e->record);
  EXPECT_EQ(e->record->revision, written->revision);
  EXPECT_EQ(e->record->info, written->info);
  EXPECT_EQ(e->record->seen, written->seen);
  EXPECT_FALSE(e->record->tools);
}

STORE_TEST(EndsAWaitingReadWhenItsWatcherIsDestroyed) {
  auto opened = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(opened);
  auto ready = co_await (*opened)->next();
  CO_ASSERT_OK(ready);
  bool ended = false;
  aio::task_group waiting(on.a.executor());
  waiting.spawn("next", wait_for_the_end(**opened, ended));
  CO_ASSERT_OK(co_await on.b.list(user("1"), tools_wanted::no));  // it waits by now
  EXPECT_FALSE(ended);
  opened->reset();
  co_await waiting.join();
  EXPECT_TRUE(ended);
  CO_ASSERT_OK(co_await write(on.b, user("1"), server("a"), status::connected));
}

STORE_TEST(ReportsChangesOfEveryHandle) {
  auto opened = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(opened);
  watched seen(std::move(*opened));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  for (store* s : {&on.a, &on.b}) {
    CO_ASSERT_OK(co_await write(*s, user("1"), server("a"), status::connected));
    CO_ASSERT_TRUE(co_await seen.until("user:1/a=CONNECTED"));
    CO_ASSERT_OK(co_await write(*s, user("1"), server("b"), status::connecting));
    CO_ASSERT_TRUE(co_await seen.until("user:1/a=CONNECTED user:1/b=CONNECTING"));
    CO_ASSERT_OK(co_await s->disconnect(user("1"), server("a"), std::nullopt));
    CO_ASSERT_TRUE(co_await seen.until("user:1/a=DISCONNECTED user:1/b=CONNECTING"));
    CO_ASSERT_OK(co_await s->disconnect(user("1"), std::nullopt, std::nullopt));
    CO_ASSERT_TRUE(co_await seen.until("user:1/a=DISCONNECTED user:1/b=DISCONNECTED"));
    CO_ASSERT_OK(co_await s->erase(user("1")));
    CO_ASSERT_TRUE(co_await seen.until(""));
  }
}

STORE_TEST(ReportsOnlyTheWatchedOwner) {
  auto opened = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(opened);
  watched seen(std::move(*opened));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  const auto before = seen.events();
  CO_ASSERT_OK(co_await write(on.b, user("2"), server("a"), status::connected));
  CO_ASSERT_OK(co_await write(on.b, session("1"), server("a"), status::connected));
  CO_ASSERT_OK(co_await write(on.b, user("1"), server("a"), status::connected));
  CO_ASSERT_TRUE(co_await seen.until("user:1/a=CONNECTED"));
  EXPECT_EQ(seen.events(), before + 1);
}

STORE_TEST(ReportsAClaimToBothOwners) {
  CO_ASSERT_OK(co_await write(on.a, session("s"), server("a"), status::connected));
  auto of_session = co_await on.a.watch(session("s"));
  CO_ASSERT_OK(of_session);
  auto of_user = co_await on.a.watch(user("u"));
  CO_ASSERT_OK(of_user);
  watched left(std::move(*of_session)), right(std::move(*of_user));
  CO_ASSERT_TRUE(co_await left.until_ready());
  CO_ASSERT_TRUE(co_await right.until_ready());
  CO_ASSERT_OK(co_await on.b.claim(session("s"), user("u")));
  EXPECT_TRUE(co_await left.until(""));
  EXPECT_TRUE(co_await right.until("user:u/a=CONNECTED"));
}

STORE_TEST_WITH(ReportsExpiries, short_lived()) {
  CO_ASSERT_OK(co_await write(on.a, user("1"), server("a"), status::connected));
  auto one = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(one);
  auto all = co_await on.b.watch(std::nullopt);
  CO_ASSERT_OK(all);
  watched seen(std::move(*one)), seen_all(std::move(*all));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  CO_ASSERT_TRUE(co_await seen_all.until_ready());
  EXPECT_EQ(seen.all(), "user:1/a=CONNECTED");
  co_await on.data.pass(2s);
  EXPECT_TRUE(co_await all_gone(seen, on.data));
  EXPECT_TRUE(co_await all_gone(seen_all, on.data));
}

STORE_TEST_WITH(ReportsNoEventForATouchButALaterExpiry, short_lived()) {
  CO_ASSERT_OK(co_await write(on.a, user("1"), server("a"), status::connected));
  auto opened = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(opened);
  watched seen(std::move(*opened));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  const auto before = seen.events();
  co_await on.data.pass(1200ms);
  CO_ASSERT_OK(co_await on.b.touch(user("1"), std::nullopt));
  co_await on.data.pass(1200ms);
  // The next event is the one of this write: not one of the touch, and not the record's end.
  CO_ASSERT_OK(co_await write(on.b, user("1"), server("a"), status::failed));
  CO_ASSERT_TRUE(co_await seen.until("user:1/a=FAILED"));
  EXPECT_EQ(seen.events(), before + 1);
}

STORE_TEST(ReportsEveryOwnerInAWatchOfAll) {
  for (int i = 0; i < 300; ++i)
    CO_ASSERT_OK(co_await write(on.a, user(std::to_string(1000 + i)), server("a"), status::connected));
  auto opened = co_await on.b.watch(std::nullopt);
  CO_ASSERT_OK(opened);
  watched seen(std::move(*opened));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  EXPECT_EQ(seen.events(), 301u);
  for (int i = 0; i < 300; ++i) CO_ASSERT_OK(co_await on.a.erase(user(std::to_string(1000 + i))));
  CO_ASSERT_TRUE(co_await seen.until(""));
  CO_ASSERT_OK(co_await write(on.a, session("new"), server("x"), status::failed));
  EXPECT_TRUE(co_await seen.until("session:new/x=FAILED"));
  CO_ASSERT_OK(co_await write(on.b, user("other"), server("y"), status::connected));
  EXPECT_TRUE(co_await seen.until("session:new/x=FAILED user:other/y=CONNECTED"));
}

STORE_TEST(BringsASlowReaderToTheLatestState) {
  auto opened = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(opened);
  watched seen(std::move(*opened));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  for (int i = 0; i < 50; ++i)
    CO_ASSERT_OK(co_await write(on.b, user("1"), server("a"), i % 2 ? status::connected : status::failed));
  CO_ASSERT_OK(co_await write(on.b, user("1"), server("b"), status::connected));
  EXPECT_TRUE(co_await seen.until("user:1/a=CONNECTED user:1/b=CONNECTED"));
}

STORE_TEST(SharesRecordsAmongWatchesOfOneOwner) {
  CO_ASSERT_OK(co_await write(on.a, user("1"), server("a"), status::connected));
  auto one = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(one);
  auto two = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(two);
  std::uint64_t last = 0;
  for (int i = 0; i < 3; ++i) {  // a record, ready, a change
    const auto first = co_await (*one)->next(), second = co_await (*two)->next();
    CO_ASSERT_OK(first);
    CO_ASSERT_OK(second);
    EXPECT_EQ(first->record, second->record) << "not only equal ones";
    EXPECT_EQ(first->number, second->number);
    EXPECT_EQ(first->what == event::kind::ready, first->number == 0);
    EXPECT_EQ(first->record == nullptr, first->number == 0);
    EXPECT_TRUE(first->number == 0 || first->number > last);
    last = first->number == 0 ? last : first->number;
    if (i == 1) CO_ASSERT_OK(co_await write(on.b, user("1"), server("b"), status::connected));
  }
}

STORE_TEST(RestartsABoundedWatchThatFallsBehind) {
  CO_ASSERT_OK(co_await write(on.a, user("1"), server("a"), status::connected));
  watch_options bounded;
  bounded.max_removals = 0;
  auto slow = co_await on.a.watch(user("1"), bounded);
  CO_ASSERT_OK(slow);
  auto quick = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(quick);
  watched seen(std::move(*quick));
  CO_ASSERT_TRUE(co_await seen.until_ready());
  CO_ASSERT_OK(co_await (*slow)->next());
  const auto ready = (*slow)->try_next();
  CO_ASSERT_TRUE(ready && *ready);
  EXPECT_EQ((*ready)->what, event::kind::ready);
  CO_ASSERT_OK(co_await on.b.erase(user("1")));
  CO_ASSERT_TRUE(co_await seen.until(""));
  CO_ASSERT_OK(co_await write(on.b, user("1"), server("b"), status::connected));
  CO_ASSERT_TRUE(co_await seen.until("user:1/b=CONNECTED"));
  for (const auto expected : {event::kind::overrun, event::kind::present, event::kind::ready}) {
    const auto got = (*slow)->try_next();
    CO_ASSERT_TRUE(got && *got);
    EXPECT_EQ((*got)->what, expected);
  }
  EXPECT_FALSE((*slow)->try_next());
}

STORE_TEST(ServesSeveralWatchesOfOneOwner) {
  auto first = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(first);
  watched one(std::move(*first));
  CO_ASSERT_TRUE(co_await one.until_ready());
  CO_ASSERT_OK(co_await write(on.b, user("1"), server("a"), status::connected));
  auto second = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(second);
  {
    watched two(std::move(*second));
    CO_ASSERT_TRUE(co_await two.until_ready());
    EXPECT_EQ(two.all(), "user:1/a=CONNECTED");
  }
  CO_ASSERT_TRUE(co_await one.until("user:1/a=CONNECTED"));
  CO_ASSERT_OK(co_await write(on.b, user("1"), server("a"), status::failed));
  EXPECT_TRUE(co_await one.until("user:1/a=FAILED"));
}

namespace {

// Ends when the watch does.
asio::awaitable<void> read_to_the_end(watcher& from, bool& ended) {
  for (;;) {
    auto e = co_await from.next();
    if (e) continue;
    EXPECT_TRUE(e.error().is(cond::cancelled)) << e.error().detail();
    ended = true;
    co_return;
  }
}

}  // namespace

STORE_TEST(EndsWatchesOnClose) {
  auto one = co_await on.a.watch(user("1"));
  CO_ASSERT_OK(one);
  auto all = co_await on.a.watch(std::nullopt);
  CO_ASSERT_OK(all);
  bool one_ended = false, all_ended = false;
  aio::task_group readers(co_await asio::this_coro::executor);
  readers.spawn("one", read_to_the_end(**one, one_ended));
  readers.spawn("all", read_to_the_end(**all, all_ended));
  co_await on.a.close();
  co_await readers.join();
  EXPECT_TRUE(one_ended && all_ended);
  const auto late = co_await (*one)->next();
  EXPECT_TRUE(!late && late.error().is(cond::cancelled));
  const auto read_after = co_await on.a.list(user("1"), tools_wanted::no);
  EXPECT_TRUE(!read_after && read_after.error().is(cond::cancelled));
}

}  // namespace mcpstate::test
